"""Text of label tools: read where its encoding is certain, else named with byte and cure."""
import json

import pytest

from plugin.datasets.labels import convert
from plugin.datasets.labels.encodings import decode_text, doubtful_word
from plugin.utils import UserError
from tests.helpers.small_labels import shape, square, told, write_image, write_labelme


@pytest.mark.parametrize('text', ['cow', 'Kühe', 'vache à lait', '牛', '奶牛', 'корова', 'коза',
                                  'מר', '30°', 'm²', 'Ågerup', ''])
def test_utf8_is_read(text):
    assert decode_text(text.encode()) == (text, '')
    assert decode_text(text.encode('utf-8-sig')) == (text, '')
    assert decode_text(text.encode('utf-16')) == (text, 'utf-16-le')


@pytest.mark.parametrize('text', ['奶牛', '牛羊', 'label: 黄牛'])
def test_gb2312_is_read_where_it_is_certain(text):
    assert decode_text(text.encode('gb2312')) == (text, 'GB2312')
    with pytest.raises(UserError, match=r'byte \d+ is no UTF-8: save it as UTF-8'):
        decode_text(text.encode('gb2312'), 'utf-8')


@pytest.mark.parametrize('data,words', [
    ('a 牛'.encode('gb2312'), "byte 2 begins what is 'ţ' in UTF-8 and '牛' in GB2312: save it as "
     'UTF-8 with a byte order mark'), ('猫'.encode('gbk'), "byte 0 begins what is 'è'"),
    ('Kühe'.encode('latin-1'), 'byte 1 is no UTF-8: save it as UTF-8'),
    (b'\xef\xbb\xbfa\xff', 'byte 4 is no UTF-8'), (b'\xff\xfea', 'byte 2 is no UTF-16-LE')])
def test_what_is_not_certain_is_refused(data, words):
    with pytest.raises(UserError, match=words):
        decode_text(data)


def test_words_of_one_alphabet_are_not_doubted():
    assert doubtful_word('коза ö Kühe') == (5, 'ö', '枚')
    assert doubtful_word('коза Kühe 牛 ° ²') is None


def test_labelme_files_of_old_windows(tmp_path):
    for name, label in (('a', '奶牛'), ('b', '牛')):
        path = write_labelme(tmp_path / f'{name}.json', [shape(square(2, 2, 5), label)])
        path.write_bytes(path.read_text(encoding='utf-8').encode('gbk'))
    done = convert('labelme', tmp_path, tmp_path / 'out.json')
    assert done.instances == {'奶牛': 1}
    found = told(done.findings)
    assert 'a.json  note: it is no UTF-8 and is read as GB2312: save it as UTF-8' in found
    assert 'b.json  left out: byte ' in found


def test_names_of_yolo_in_another_encoding(tmp_path):
    write_image(tmp_path / 'a.png')
    (tmp_path / 'a.txt').write_text('0 0.1 0.1 0.5 0.1 0.5 0.5')
    for name in ('牛', '奶牛'):
        (tmp_path / 'data.yaml').write_bytes(f'names: [{name}]'.encode('gbk'))
        with pytest.raises(UserError, match=r'data.yaml: byte 8 .*: save it as UTF-8'):
            convert('yolo', tmp_path, tmp_path / 'out.json')


@pytest.mark.parametrize('declared,written,words', [
    ('gb2312', 'gb2312', ''), ('GBK', 'gbk', ''), ('UTF-8', 'utf-8', ''),
    ('utf-8', 'gbk', 'byte 83 is no utf-8'), ('', 'gbk', 'is read as GB2312')])
def test_xml_in_the_encoding_that_it_declares(tmp_path, declared, written, words):
    write_image(tmp_path / 'a.png')
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ''
    text = '<annotations><image name="a.png"><box label="奶牛" xtl="1" ytl="1" xbr="9" ybr="9"/>' \
        '</image><image name="b.png"/></annotations>'
    write_image(tmp_path / 'b.png')
    (tmp_path / 'a.xml').write_bytes((head + text).encode(written))
    (tmp_path / 'c.xml').write_text('<annotations><image name="c.png"><box label="calf" xtl="1" '
                                    'ytl="1" xbr="9" ybr="9"/></image></annotations>')
    write_image(tmp_path / 'c.png')
    done = convert('cvat', tmp_path, tmp_path / 'out.json')
    assert words in told(done.findings)
    assert ('奶牛' in done.instances) == ('byte' not in words)
    assert json.loads((tmp_path / 'out.json').read_text(encoding='utf-8'))['categories']
