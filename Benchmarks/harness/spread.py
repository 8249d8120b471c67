"""Medians and their spread."""

import statistics
from dataclasses import dataclass

import numpy


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values):
        """The median and the quartiles."""
        low, high = numpy.percentile(values, [25, 75])
        return cls(statistics.median(values), float(low), float(high), len(values))

    def scaled(self, factor):
        low, high = sorted((self.low * factor, self.high * factor))
        return Spread(self.median * factor, low, high, self.count)


def midmean(values):
    """The mean of what lies between the quartiles, along the last axis: what disturbs few values moves nothing, and it
    varies less than a median does."""
    ordered = numpy.sort(values, axis=-1)
    left_out = ordered.shape[-1] // 4
    return ordered[..., left_out:ordered.shape[-1] - left_out].mean(axis=-1)


def paired_interval(numerators, denominators, seed=0, draws=2000):
    """The midmean of the ratios within rounds and its 95 % interval: for differences smaller than the noise of rounds."""
    ratios = numpy.array(numerators) / numpy.array(denominators)
    picks = numpy.random.default_rng(seed).integers(0, len(ratios), (draws, len(ratios)))
    low, high = numpy.percentile(midmean(ratios[picks]), [2.5, 97.5])
    return Spread(float(midmean(ratios)), float(low), float(high), len(ratios))


def ratio_interval(numerators, denominators, seed=0, draws=2000):
    """The ratio of the medians and its 95 % interval, by drawing pairs again: samples of one round belong together."""
    above, below = numpy.array(numerators), numpy.array(denominators)
    count = min(len(above), len(below))
    above, below = above[:count], below[:count]
    ratio = float(numpy.median(above) / numpy.median(below))
    picks = numpy.random.default_rng(seed).integers(0, count, (draws, count))
    drawn = numpy.median(above[picks], axis=1) / numpy.median(below[picks], axis=1)
    low, high = numpy.percentile(drawn, [2.5, 97.5])
    return Spread(ratio, float(low), float(high), count)
