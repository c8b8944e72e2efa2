"""Where the project lies."""
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS, TOOLS = ROOT / 'configs', ROOT / 'tools'
