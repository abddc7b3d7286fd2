"""Seeded daily series of five kinds, 400 days each."""

import numpy as np

DAYS = 400
WEEK = np.array([0.7, 0.75, 0.8, 0.95, 1.2, 1.5, 1.3])


def trend(seed):
    return np.maximum(1000 + 6 * np.arange(DAYS) + _noise(seed, 150), 0)


def weekly_season(seed):
    return np.maximum(2000 * np.resize(WEEK, DAYS) * (1 + _noise(seed, 0.12)), 0)


def level_shift(seed):
    return np.maximum(np.where(np.arange(DAYS) < 220, 1500, 2600) * (1 + _noise(seed, 0.12)), 0)


def intermittent(seed):
    random = np.random.default_rng(seed)
    return np.where(random.random(DAYS) < 0.3, random.lognormal(5, 0.8, DAYS), 0)


def flat_noise(seed):
    return np.maximum(1000 + _noise(seed, 200), 0)


KINDS = (trend, weekly_season, level_shift, intermittent, flat_noise)


def _noise(seed, scale):
    return np.random.default_rng(seed).normal(0, scale, DAYS)
