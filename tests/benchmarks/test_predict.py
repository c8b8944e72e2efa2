"""The benchmark of predictions runs, and reports what it measures."""
import importlib.util
import json

from tests.helpers.paths import ROOT


def test_its_quick_form(capsys):
    # tools/predict.py has the same name
    spec = importlib.util.spec_from_file_location('bench_predict', ROOT / 'benchmarks/predict.py')
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    bench.main(['--quick', '--kinds', 'semantic', '--workers', '1', '--json'])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found['images'], found['workers'], found['kind']) == (4, 1, 'semantic')
    assert all(found[name] > 0 for name in ('network', 'disk', 'whole', 'alone', 'cpu'))
    assert found['ratio'] == found['whole'] / max(found['network'], found['disk'])
    assert found['share'] == found['network'] / found['whole']
