"""Findings: what of an error is the message, and what the cure."""
import json

import pytest

from plugin.datasets.doctor.findings import Report
from plugin.utils import UserError


@pytest.mark.parametrize(('text', 'message', 'cure'), [
    ('{"name": ', 'Expecting value: line 1 column 10 (char 9)', ''),
    ('{"name": 1,}', None, ''),
])
def test_the_text_of_another_program_is_left_whole(text, message, cure):
    report = Report()
    with pytest.raises(ValueError) as error:
        json.loads(text)
    report.add_error('data-set', error.value, 'train')
    assert (report.findings[0].message, report.findings[0].cure) == (
        message or str(error.value), cure)


def test_an_own_text_has_its_cure_apart():
    report = Report()
    report.add_error('data-set', UserError('a.png: it is empty: remove it'), 'train')
    assert (report.findings[0].message, report.findings[0].cure) == ('a.png: it is empty',
                                                                     'remove it')
