"""Billing periods by Python's zoneinfo: a second opinion on the product's own calendar.

Reads a JSON object {"zones": [...], "years": [first, last]} and prints the release of the time
zone data, then a line for each period: the cycle, its zone, its first day, the day after its
last, and the two instants between which it lies. Run with PYTHONTZPATH empty, so that the data
is that of the package and not the machine's.
"""

import calendar
import functools
import json
import sys
import zoneinfo
from datetime import date, datetime, timedelta, timezone

import tzdata

UTC = timezone.utc
# Every change of an offset since 2011 is at a full quarter of an hour.
STEP = timedelta(minutes=15)
WEEKDAYS = list(calendar.day_name)


@functools.cache
def start_of_day(day, zone):
    """The first instant whose local date is `day`, or later where there is no such day: walked
    to, so that no rule for gaps and folds is needed."""
    rules = zoneinfo.ZoneInfo(zone)
    noon_before = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=1)
    at = noon_before - rules.utcoffset(noon_before.replace(tzinfo=None))
    # Folds move it by less than three hours, but for the day that Samoa left out.
    while at.astimezone(rules).date() >= day:
        at -= timedelta(hours=6)
    while at.astimezone(rules).date() < day:
        at += STEP
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def after_cutoff(year, month, cutoff):
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(cutoff, last)) + timedelta(days=1)


def months_before(year, month, count):
    number = year * 12 + month - 1 - count
    return number // 12, number % 12 + 1


def line(cycle, zone, first, until):
    bounds = [start_of_day(day, zone) for day in (first, until)]
    return " ".join([cycle, zone, first.isoformat(), until.isoformat(), *bounds])


def monthly(zone, years, cutoff, months):
    for year in range(years[0], years[1] + 1):
        for month in range(1, 13):
            if month % months == 0:
                first = after_cutoff(*months_before(year, month, months), cutoff)
                until = after_cutoff(year, month, cutoff)
                yield line(f"every-{months}-months-on-{cutoff}", zone, first, until)


def weekly(zone, years, cutoff):
    day = date(years[0], 1, 1)
    while day.weekday() != cutoff:
        day += timedelta(days=1)
    while day.year <= years[1]:
        first, until = day - timedelta(days=6), day + timedelta(days=1)
        yield line(f"every-week-on-{WEEKDAYS[cutoff].lower()}", zone, first, until)
        day += timedelta(days=7)


def main():
    asked = json.load(sys.stdin)
    print("tzdata", tzdata.IANA_VERSION)
    for zone in asked["zones"]:
        for months in (1, 2):
            for cutoff in range(1, 32):
                for found in monthly(zone, asked["years"], cutoff, months):
                    print(found)
        for cutoff in range(7):
            for found in weekly(zone, asked["years"], cutoff):
                print(found)


main()
