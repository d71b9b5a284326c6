"""Le banc d'essai lui-même : une page hors réseau qui laisserait passer une requête ne prouverait rien."""

from __future__ import annotations

import pytest


@pytest.mark.navigateur
def test_page_hors_reseau_note_et_refuse(page_hors_reseau, tmp_path):
    page, requetes = page_hors_reseau
    voisin = tmp_path / "voisin.js"
    voisin.write_text("window.local = true", encoding="utf-8")
    rapport = tmp_path / "rapport.html"
    rapport.write_text(
        """<!doctype html><html lang="fr"><meta charset="utf-8"><title>Essai</title>
        <script src="voisin.js"></script><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
        <script src="http://127.0.0.1:9/a.js"></script><img src="https://127.0.0.1:9/b.png">
        <script>window.prise = new Promise(fin => {
            const s = new WebSocket("ws://127.0.0.1:9/c"); s.onclose = s.onerror = () => fin("fermée"); });
        </script></html>""",
        encoding="utf-8",
    )
    page.goto(rapport.as_uri())
    assert page.evaluate("window.local") is True
    assert page.evaluate("window.prise") == "fermée"
    assert sorted(requetes) == ["http://127.0.0.1:9/a.js", "https://127.0.0.1:9/b.png", "ws://127.0.0.1:9/c"]


@pytest.mark.navigateur
def test_page_hors_reseau_est_neuve(page_hors_reseau, tmp_path):
    page, requetes = page_hors_reseau
    sobre = tmp_path / "sobre.html"
    sobre.write_text("<!doctype html><title>Sobre</title><p>éàü", encoding="utf-8")
    page.goto(sobre.as_uri())
    assert page.title() == "Sobre"
    assert requetes == []


@pytest.mark.reels
def test_fichiers_reels(fichiers_reels):
    assert any(fichiers_reels.iterdir())


def test_cas_or(cas_or):
    vendee = next(c for c in cas_or["taux_couverture"] if c["id"] == "GC-01")
    assert (vendee["code"], vendee["taux_global"]) == ("85", 85.7)
