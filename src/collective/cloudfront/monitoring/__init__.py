"""For machines that watch a site: its health and its figures. The views of this room
are public: each decides what it tells to whom.
"""
