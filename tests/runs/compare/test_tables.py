"""Tables of a comparison: what they say of numbers, and as Markdown."""
import copy

import pytest

from plugin.runs.compare.tables import cost_table, notes, score_table, tables, to_markdown
from plugin.runs.kfold.scores import summarise


def row(title, values, **more):
    return {**dict(
        title=title, config=title, network='', rate=0.01, steps=40, difference=None, failed={},
        averaged=False, average=None, judged=True,
        last_val=summarise(values), last_test=summarise(values), best_val=summarise([]),
        best_test=summarise([]), scores={}, calibration=summarise([None] * len(values)),
        ending=dict(loss=None, score=None),
        cost=dict(seconds=0.25, memory=900., gpu=False, parameters=1_850_000)), **more}


FOUND = dict(
    score='coco/segm_mAP', part='test', reference='a|b', seeds=[0, 1], configs=['a|b', 'c'],
    searches=[], differences=[['model.type', "'A'\n'B'", None]],
    rows=[row('a|b', [0.5, 0.52]), row('c', [0.51, 0.55], difference=dict(
        reference='a|b', n=2, mean=0.02, error=0.01, p=0.3, plain_low=-0.107, plain_high=0.147,
        verdict='not distinguishable', low=-0.107, high=0.147, level=0.95),
        ending=dict(loss=-0.02, score=0.0123))])


def test_markdown():
    text = to_markdown(FOUND)
    assert text.startswith('# a|b, c: coco/segm_mAP\n')
    assert (r'| c | 0.5300 ± 0.0283 | +0.0200 [-0.1070, +0.1470] | a\|b | not distinguishable | '
            'loss rising by 2.0 %; val coco/segm_mAP +0.0123 in the last look | 0.01 | '
            '0.5300 ± 0.0283 | — | — |') in text
    # a bar would end a cell, and so would the end of a line
    assert r'| a\|b | 0.5100 ± 0.0141 | — | — | reference |' in text
    assert "| model.type | 'A'<br>'B' | — |" in text
    assert '| c | 40 | 0.250 | 900 | 1.85 |' in text
    assert 'Memory of the largest process, MB' in text
    assert 'ECE, the expected calibration error, is measured for the pixels' in text
    for table in text.split('## ')[1:]:
        lines = [line.replace(r'\|', '') for line in table.splitlines() if line.startswith('|')]
        assert len({line.count('|') for line in lines}) == 1


@pytest.mark.parametrize(('loss', 'words'), [
    (0.031, 'loss still falling by 3.1 %'), (-0.2, 'loss rising by 20.0 %'),
    (0.004, 'loss level'), (None, 'not known: too few points in the log')])
def test_whether_a_network_was_still_improving(loss, words):
    found = copy.deepcopy(FOUND)
    found['rows'][0]['ending']['loss'] = loss
    assert score_table(found).rows[0][5].text == words


def test_a_page_has_the_scores_in_two_tables():
    first, second, *_ = tables(FOUND)
    whole = score_table(FOUND)
    assert [*first.columns, *second.columns[1:]] == whole.columns
    for one, two, row in zip(first.rows, second.rows, whole.rows, strict=True):
        assert [*one, *two[1:]] == row and one[0] == two[0]
    assert first.columns[4].title == 'Verdict'


def test_the_interval_of_the_family_stands_beside_the_plain_one():
    found = copy.deepcopy(FOUND)
    found['rows'][1]['difference'].update(low=-0.2, high=0.24, level=0.975)
    text = to_markdown(found)
    assert '| +0.0200 [-0.1070, +0.1470] |' in text
    assert '| not distinguishable (97.5 %: [-0.2000, +0.2400]) |' in text
    assert '1 row has a verdict: Holm' in text
    assert [cell.text for cell in tables(found)[0].rows[1][2:5]] == [
        '+0.0200 [-0.1070, +0.1470]', 'a|b', 'not distinguishable (97.5 %: [-0.2000, +0.2400])']


def test_a_row_without_a_verdict_has_its_difference():
    found = copy.deepcopy(FOUND)
    found['rows'][1].update(judged=False, averaged=True)
    found['rows'][1]['difference'].update(verdict=None, low=None, high=None, level=None)
    text = to_markdown(found)
    assert r'| +0.0200 [-0.1070, +0.1470] | a\|b | — |' in text
    assert 'Holm' not in text and 'Students and averages beside' in text


def test_a_training_that_failed_is_told_in_its_row():
    found = copy.deepcopy(FOUND)
    found['rows'][1].update(failed={'1': 'the loss is nan'}, last_test=summarise([0.5, None]))
    found['rows'][1]['difference'].update(n=1, plain_low=None, plain_high=None, low=None, high=None)
    found['rows'].append(dict(found['rows'][1], title='c, its student'))
    text = to_markdown(found)
    assert r'| c | 0.5000 (1 of 2 not finite) | +0.0200 (n = 1) | a\|b |' in text
    assert text.count('c: seed 1 did not come to its end: the loss is nan') == 1
    found['rows'][1].update(failed={'0': 'x', '1': 'x'}, last_test=summarise([None, None]))
    found['rows'][1]['difference'].update(n=0, mean=None)
    assert '| c | — (2 of 2 not finite) | — (n = 0) |' in to_markdown(found)


def test_a_page_says_that_a_warm_up_was_left_out():
    assert any('All trainings of a seed start from w_{seed}.pth, and without a supervised warm-up'
               in note for note in notes({**FOUND, 'init': 'w_{seed}.pth'}))
    assert not any('warm-up' in note for note in notes(FOUND))


def counted():
    """The same, of models that count."""
    found = copy.deepcopy(FOUND)
    for row, error, skill in zip(found['rows'], ([0.5, 0.4], [0.3, 0.3]), ([-1, 0.2], [None] * 2)):
        row['scores'] = {
            'coco/segm_mAP': row['last_test'], 'count/MAE': summarise(error, 'count/MAE'),
            'count/skill': summarise(skill, 'count/skill'),
            'count/constant_MAE': summarise([0.25, 0.25])}
    return found


def test_errors_of_counts_stand_beside_the_score():
    found = counted()
    text = to_markdown(found)
    assert ('| Config | test coco/segm_mAP | test count off by, animals an image | test skill | '
            'Difference, 95 % interval |') in text
    assert r'| a\|b | 0.5100 ± 0.0141 | 0.45 ± 0.07 | -0.40 ± 0.85 | — | — | reference |' in text
    assert '| c | 0.5300 ± 0.0283 | 0.30 ± 0.00 | — | +0.0200' in text
    assert 'Always saying one number would be off by 0.25 animals an image' in text
    first, second, *_ = tables(found)
    assert [column.title for column in first.columns][-1] == 'At the end'
    assert [*first.columns, *second.columns[1:]] == score_table(found).columns
    # where counts are compared the mask AP stands beside them
    found['score'] = 'count/MAE'
    assert [column.title for column in score_table(found).columns[1:4]] == [
        'test count/MAE', 'test mask AP', 'test skill']
    # nothing of it where a row does not count
    del found['rows'][1]['scores']['count/skill'], found['rows'][0]['scores']['count/constant_MAE']
    assert 'skill' not in to_markdown(found)


def test_notes_tell_how_far_two_seeds_and_one_reach():
    assert any('12.7 times' in note for note in notes(FOUND))
    assert not any('12.7' in note for note in notes({**FOUND, 'seeds': [0, 1, 2]}))
    assert any('which one seed does not have' in note for note in notes({**FOUND, 'seeds': [0]}))


def test_memory_of_a_gpu():
    found = copy.deepcopy(FOUND)
    found['rows'][0]['cost'].update(gpu=True, seconds=None)
    table = cost_table(found)
    assert table.columns[3].title == 'Memory of the GPU' and table.rows[0][2].text == '—'
