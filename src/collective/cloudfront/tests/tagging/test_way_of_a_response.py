"""Specification: a response gets its tags without detours.

``tests/tracing.py`` says what is counted.
"""

from collective.cloudfront.tests.tracing import walking


#: 16 were measured on 2dc837e. Four more find out whether the response is late, and one
#: tells what Plone purges after the commit from what a person purges.
MOST_ROOMS = 21


def test_a_response_to_a_visitor_changes_rooms_no_more_often_than_it_did(get):
    get("/folder/page")
    with walking() as walk:
        response = get("/folder/page")
    assert response.tags
    assert walk.rooms <= MOST_ROOMS
