"""Extension de pytest pour ``tests/mutation.py`` : les fichiers d'essais les plus courts d'abord.

Une faute attrapée l'est au premier essai qui échoue : commencer par les plus courts divise l'attente. Les durées
sont celles que mutmut a relevées ; l'ordre dans un fichier ne change pas.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path


def pytest_collection_modifyitems(items) -> None:
    """Range les essais par fichier, du moins long au plus long."""
    releve = Path("mutmut-stats.json")
    if not releve.is_file():
        return
    durees = json.loads(releve.read_text("utf-8"))["duration_by_test"]
    totaux: Counter[str] = Counter()
    for item in items:
        totaux[item.path.name] += durees.get(item.nodeid, 0.0)
    items.sort(key=lambda item: (totaux[item.path.name], item.path.name))
