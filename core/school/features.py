"""What a school offers, by channel and campus (M-002, M-004, M-008, M-032)."""

from core.school.policy import Policy
from core.school.policy_words import Channel, Feature


def is_offered(
    policy: Policy, feature: Feature, channel: Channel | None, campus: str | None
) -> bool:
    """Whether a feature is open; None is whoever has no channel, or no campus yet."""
    channels = policy.channel.features.get(feature)
    campuses = policy.campus.features.get(feature)
    here = channels is None or (channel in channels if channel else bool(channels))
    return here and (campuses is None or campus is None or campus in campuses)


def offered(policy: Policy, channel: Channel | None, campus: str | None) -> list[Feature]:
    """The features that are open, in the order of the grid and then of the list of words."""
    order = [*policy.app.grid, *(each for each in Feature if each not in policy.app.grid)]
    return [each for each in order if is_offered(policy, each, channel, campus)]


def grid(policy: Policy, channel: Channel | None, campus: str | None) -> list[Feature]:
    """The tiles of the grid that are open, in the school's order (M-008)."""
    return [each for each in policy.app.grid if is_offered(policy, each, channel, campus)]
