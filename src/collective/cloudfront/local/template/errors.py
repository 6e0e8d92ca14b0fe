"""What is wrong with a template: a sentence that names the place."""


class TemplateError(ValueError):
    """The local CloudFront cannot run from this template."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.place = place
        self.problem = problem
