"""The control plane, driven without HTTP and with a clock of our own."""

from .helpers import DISTRIBUTION
from .helpers import TENANT
from collective.cloudfront.local import ApiError
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local import Options
from collective.cloudfront.local.errors import ConnectionLost
from collective.cloudfront.local.errors import UnreadableAnswer
from collective.cloudfront.local.records import Status

import pytest


def code_of(function, *arguments):
    """Return the code of the error that a call raises."""
    with pytest.raises(ApiError) as caught:
        function(*arguments)
    return caught.value.code


def test_an_invalidation_is_in_progress_and_then_completed(control, clock):
    created = control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert created.status is Status.IN_PROGRESS
    assert created.items == ("/a",)
    clock.advance(2.99)
    assert control.get_invalidation(DISTRIBUTION, created.id).status.value == (
        "InProgress"
    )
    clock.advance(0.01)
    assert control.get_invalidation(DISTRIBUTION, created.id).status.value == (
        "Completed"
    )


def test_the_same_reference_and_items_return_the_earlier_invalidation(control, clock):
    first = control.create_invalidation(DISTRIBUTION, "r", ["/a", "/b"])
    clock.advance(60)
    again = control.create_invalidation(DISTRIBUTION, "r", ["/a", "/b"])
    assert again.id == first.id
    assert again.created == first.created
    assert again.status is Status.COMPLETED


def test_a_repeated_invalidation_is_not_billed_and_uses_no_quota(make_control):
    control = make_control(wildcards_in_progress=1, wildcards_burst=1)
    for _ in range(5):
        control.create_invalidation(DISTRIBUTION, "r", ["/a*"])
    state = control.state()
    assert state["billed"] == 1
    assert state["accepted"] == 1
    assert state["replayed"] == 4


def test_a_repeated_invalidation_does_not_take_effect_again(control):
    effects = []
    control.on_accepted.append(effects.append)
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert len(effects) == 1


def test_the_same_reference_with_other_items_is_refused(control):
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    for items in (["/b"], ["/a", "/b"], ["/A"]):
        assert code_of(control.create_invalidation, DISTRIBUTION, "r", items) == (
            "InvalidationBatchAlreadyExists"
        )
    assert control.state()["billed"] == 1


def test_caller_references_belong_to_a_distribution(control):
    first = control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert control.create_invalidation("EOTHER", "r", ["/b"]).id != first.id


def test_the_reference_of_a_refused_batch_is_not_taken(make_control):
    control = make_control(wildcards_burst=1)
    items = ["/a*", "/b*"]
    assert code_of(control.create_invalidation, DISTRIBUTION, "r", items) == (
        "TooManyInvalidationsInProgress"
    )
    control.create_invalidation(DISTRIBUTION, "r", ["/a*"])


def test_one_bad_item_sinks_the_whole_batch(control):
    items = ["/a", "/b", "/ü", "/c"]
    assert code_of(control.create_invalidation, DISTRIBUTION, "r", items) == (
        "InvalidArgument"
    )
    assert control.state()["billed"] == 0
    assert control.invalidations() == []


def test_the_answer_does_not_tell_which_item_is_bad_but_the_log_does(control):
    with pytest.raises(ApiError) as caught:
        control.create_invalidation(DISTRIBUTION, "r", ["/a", "/~b"])
    assert "~" not in caught.value.message
    assert "'/~b'" in control.log()[-1].message


@pytest.mark.parametrize(("reference", "items"), [("", ["/a"]), ("r", [])])
def test_a_batch_needs_a_reference_and_items(control, reference, items):
    assert code_of(control.create_invalidation, DISTRIBUTION, reference, items) == (
        "InvalidArgument"
    )


def test_a_batch_of_more_than_three_thousand_is_too_large(make_control):
    control = make_control(quota_model="none")
    items = [f"/{number}" for number in range(3001)]
    assert code_of(control.create_invalidation, DISTRIBUTION, "r", items) == (
        "BatchTooLarge"
    )
    control.create_invalidation(DISTRIBUTION, "r", items[:3000])


def test_unknown_distributions_and_tenants_have_errors_of_their_own(control):
    create = control.create_invalidation
    assert code_of(create, "EUNKNOWN", "r", ["/a"]) == "NoSuchDistribution"
    assert code_of(create, "dt_unknown", "r", ["/a"]) == "EntityNotFound"
    assert code_of(control.get_distribution, TENANT) == "NoSuchDistribution"


def test_six_calls_come_at_once_and_then_one_every_two_seconds(make_control, clock):
    control = make_control(api_rate=0.5)
    for number in range(6):
        control.create_invalidation(DISTRIBUTION, f"r{number}", ["/a"])
    assert code_of(control.create_invalidation, DISTRIBUTION, "x", ["/a"]) == (
        "Throttling"
    )
    clock.advance(2)
    control.create_invalidation(TENANT, "r6", ["/a"])
    assert code_of(control.create_invalidation, DISTRIBUTION, "x", ["/a"]) == (
        "Throttling"
    )


def test_repeating_a_batch_uses_the_api_rate(make_control):
    control = make_control(api_rate=0.5, api_burst=2)
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert code_of(control.create_invalidation, DISTRIBUTION, "r", ["/a"]) == (
        "Throttling"
    )


def test_reading_is_not_throttled(make_control):
    control = make_control(api_rate=0.5, api_burst=1)
    created = control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    for _ in range(20):
        control.get_invalidation(DISTRIBUTION, created.id)
        control.list_invalidations(DISTRIBUTION)


def test_a_denied_action_is_refused(make_control):
    control = make_control(denied_actions=["GetInvalidation"])
    created = control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert code_of(control.get_invalidation, DISTRIBUTION, created.id) == (
        "AccessDenied"
    )


def test_a_list_goes_page_by_page_from_the_latest(control):
    ids = [
        control.create_invalidation(DISTRIBUTION, f"r{number}", ["/a"]).id
        for number in range(5)
    ]
    first = control.list_invalidations(DISTRIBUTION, max_items=2)
    assert [i.id for i in first.invalidations] == [ids[4], ids[3]]
    assert first.next_marker == ids[3]
    control.create_invalidation(DISTRIBUTION, "meanwhile", ["/a"])
    second = control.list_invalidations(DISTRIBUTION, first.next_marker, 3)
    assert [i.id for i in second.invalidations] == [ids[2], ids[1], ids[0]]
    assert second.next_marker == ""


def test_an_injected_error_happens_as_often_as_asked(control):
    control.inject("error", code="ServiceUnavailable", times=2)
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            control.create_invalidation(DISTRIBUTION, "r", ["/a"])
        assert caught.value.code == "ServiceUnavailable"
        assert caught.value.status == 503
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert control.state()["billed"] == 1


def test_a_fault_can_be_for_one_operation_and_distribution(control):
    control.inject("error", operation="CreateInvalidation", distribution="EOTHER")
    created = control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.get_invalidation(DISTRIBUTION, created.id)
    assert code_of(control.create_invalidation, "EOTHER", "r", ["/a"]) == (
        "InternalError"
    )


def test_a_fault_without_end_lasts_until_it_is_cleared(control):
    control.inject("drop_before", times=None)
    for _ in range(3):
        with pytest.raises(ConnectionLost):
            control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.clear_faults()
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])


def test_a_connection_dropped_before_leaves_no_effect(control):
    control.inject("drop_before")
    with pytest.raises(ConnectionLost) as caught:
        control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert not caught.value.took_effect
    assert control.invalidations() == []
    assert control.log()[-1].outcome == "dropped"


def test_a_connection_dropped_after_leaves_the_effect(control):
    control.inject("drop_after")
    with pytest.raises(ConnectionLost) as caught:
        control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert caught.value.took_effect
    (accepted,) = control.invalidations()
    assert control.create_invalidation(DISTRIBUTION, "r", ["/a"]).id == accepted.id
    lost, repeated = control.log()
    assert (lost.outcome, lost.fault) == ("accepted", "drop_after")
    assert (repeated.outcome, repeated.fault) == ("replayed", "")
    assert control.state()["billed"] == 1


def test_a_fault_after_the_effect_waits_for_a_call_that_has_one(control):
    control.inject("drop_after", times=2)
    code_of(control.create_invalidation, DISTRIBUTION, "r", ["/~"])
    assert control.log()[-1].fault == ""
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])


def test_an_unreadable_answer_leaves_no_effect(control):
    control.inject("garbage")
    with pytest.raises(UnreadableAnswer):
        control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    assert control.invalidations() == []


def test_a_delay_comes_before_the_effect_and_a_slow_answer_after(control, clock):
    start = clock()
    control.inject("delay", seconds=5)
    control.inject("slow_answer", seconds=7)
    first = control.create_invalidation(DISTRIBUTION, "r1", ["/a"])
    assert first.created == start + 5
    second = control.create_invalidation(DISTRIBUTION, "r2", ["/a"])
    assert second.created == start + 5
    assert clock() == start + 12


def test_a_fault_that_makes_no_sense_is_refused_with_a_sentence(control):
    for details in ({"kind": "fire"}, {"kind": "delay", "seconds": -1}):
        with pytest.raises(ValueError, match=r"\.$"):
            control.inject(**details)


def test_the_log_tells_every_call_and_what_became_of_it(control, clock):
    created = control.create_invalidation(DISTRIBUTION, "r1", ["/a", "/b"])
    clock.advance(1)
    control.get_invalidation(DISTRIBUTION, created.id)
    code_of(control.create_invalidation, "EUNKNOWN", "r2", ["/c"])
    first, second, third = control.log()
    assert first.time == second.time - 1
    assert first.operation == "CreateInvalidation"
    assert first.caller_reference == "r1"
    assert first.items == ("/a", "/b")
    assert (first.outcome, first.invalidation) == ("accepted", created.id)
    assert (second.outcome, second.invalidation) == ("answered", created.id)
    assert (third.outcome, third.distribution) == ("NoSuchDistribution", "EUNKNOWN")
    assert control.log(since=second.number) == [third]


def test_the_state_counts_calls_refusals_and_billed_items(control, clock):
    control.create_invalidation(DISTRIBUTION, "r1", ["/a", "/b*", "#c"])
    code_of(control.create_invalidation, DISTRIBUTION, "r2", ["bad"])
    state = control.state()
    assert state["billed"] == 3
    assert state["calls"] == {"CreateInvalidation": 2}
    assert state["refusals"] == {"InvalidArgument": 1}
    progress = state["distributions"][DISTRIBUTION]
    assert progress["paths_in_progress"] == 2
    assert progress["wildcards_in_progress"] == 1
    clock.advance(10)
    progress = control.state()["distributions"][DISTRIBUTION]
    assert progress["paths_in_progress"] == progress["batches_in_progress"] == 0


def test_memory_is_bounded(make_control):
    control = make_control(history=3, log_size=4, quota_model="none")
    for number in range(10):
        control.create_invalidation(DISTRIBUTION, f"r{number}", ["/a"])
    assert [i.caller_reference for i in control.invalidations()] == ["r7", "r8", "r9"]
    assert [entry.number for entry in control.log()] == [7, 8, 9, 10]
    assert control.state()["billed"] == 10


def test_a_reset_forgets_everything(control):
    control.create_invalidation(DISTRIBUTION, "r", ["/a"])
    control.change_options(distributions=["EELSE"])
    control.inject("error")
    control.reset()
    assert control.invalidations() == control.log() == []
    control.create_invalidation(DISTRIBUTION, "r", ["/b"])
    assert control.state()["billed"] == 1


def test_a_hundred_thousand_items_are_taken_in_no_time(make_control, clock):
    # What makes a benchmark with a scaled clock possible at all.
    control = make_control(api_rate=0.5)
    for number in range(100):
        items = [f"/{number}/{index}" for index in range(1000)]
        control.create_invalidation(DISTRIBUTION, f"r{number}", items)
        clock.advance(1000 / 150)
    assert control.state()["billed"] == 100_000


def test_options_that_make_no_sense_are_refused_with_a_sentence():
    wrong = [
        {"distributions": ()},
        {"distributions": "EDEMO"},
        {"distributions": ["demo"]},
        {"quota_model": "some"},
        {"completion_delay": -1},
        {"completion_delay": "1"},
        {"effect_delay": float("nan")},
        {"cache_everything": 1},
        {"cache_tag_header": "Cache Tag"},
    ]
    for options in wrong:
        with pytest.raises(ValueError, match=r"\.$"):
            Options(**options)
    with pytest.raises(ValueError, match="no option colour"):
        Options().changed({"colour": "red"})


def test_options_survive_json():
    options = Options(accepted_access_keys=["AKID"], denied_actions=["GetInvalidation"])
    assert Options().changed(options.as_json()) == options


def test_by_default_it_is_as_strict_as_cloudfront():
    control = ControlPlane()
    assert control.options.quota_model.limits_progress
    assert control.options.quota_model.limits_rate
    assert control.options.api_rate == 0.5
