"""What a school offers, by channel and campus."""

import pytest

from core.school.features import grid, is_offered, offered
from core.school.policy import App, CampusRules, ChannelRules, Policy
from core.school.policy_words import Channel, Feature

POLICY = Policy(
    app=App((Feature.SHOWER, Feature.TOP_UP, Feature.NEWS)),
    campus=CampusRules({Feature.SHOWER: frozenset({"EAST"})}),
    channel=ChannelRules({Feature.TOP_UP: frozenset({Channel.WECOM}), Feature.NEWS: frozenset()}),
)


@pytest.mark.parametrize(
    ("feature", "channel", "campus", "is_open"),
    [
        (Feature.PIN, Channel.NATIVE, "EAST", True),
        (Feature.SHOWER, Channel.NATIVE, "EAST", True),
        (Feature.SHOWER, Channel.NATIVE, "WEST", False),
        (Feature.SHOWER, Channel.NATIVE, None, True),
        (Feature.TOP_UP, Channel.WECOM, None, True),
        (Feature.TOP_UP, Channel.NATIVE, None, False),
        (Feature.TOP_UP, None, None, True),
        (Feature.NEWS, Channel.NATIVE, None, False),
        (Feature.NEWS, None, None, False),
    ],
)
def test_a_feature_is_open_where_channel_and_campus_have_it(
    feature: Feature, channel: Channel | None, campus: str | None, is_open: bool
) -> None:
    assert is_offered(POLICY, feature, channel, campus) is is_open


def test_the_grid_shows_what_is_open_in_the_schools_order() -> None:
    assert grid(POLICY, Channel.WECOM, "EAST") == [Feature.SHOWER, Feature.TOP_UP]
    assert grid(POLICY, Channel.NATIVE, "WEST") == []


def test_the_list_begins_with_the_grid_and_names_everything_open_once() -> None:
    listed = offered(POLICY, Channel.WECOM, "EAST")
    assert listed[:2] == [Feature.SHOWER, Feature.TOP_UP]
    assert sorted(listed) == sorted(set(Feature) - {Feature.NEWS})
