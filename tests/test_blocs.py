"""Un grand CSV lu au fil de l'eau : les mêmes chiffres et le même compte rendu que lu en mémoire, ou le même refus."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cafdiag.donnees import delimite
from cafdiag.donnees.examen import examiner
from cafdiag.donnees.lecteurs import lire
from cafdiag.erreurs import EntreeFautive

NOMS = ["P22_POP0002", "P22_POP0305", "P22_POP0610", "P22_POP1117", "P22_POP1824", "P22_POP2539", "P22_POP4054",
        "P22_POP5564", "P22_POP6579", "P22_POP80P"]


def fichier(lignes: int = 3000) -> str:
    """Des communes d'un à trois IRIS : une qui a disparu (49069), une scindée, des codes inconnus d'aucun COG."""
    hasard = np.random.default_rng(1)
    codes = ["49069", "08300", "08439", "53130", *(f"01{i:03d}" for i in (1, 2, 4, 5, 6, 7, 8, 9, 10)), "99999"]
    texte = ["IRIS;COM;LAB;P22_POP;" + ";".join(NOMS)]
    for rang in range(lignes):
        ages = [float(round(x, 9)) for x in hasard.gamma(2, 12, len(NOMS))]
        code = codes[rang % len(codes)]
        texte.append(f"{code}{rang // len(codes):04d};{code};é{rang};{sum(ages)!r};" + ";".join(map(repr, ages)))
    return "\n".join(texte) + "\n"


SAIN = fichier()
SAINS = {
    "brut": SAIN.encode(), "marque": SAIN.encode("utf-8-sig"), "crlf": SAIN.replace("\n", "\r\n").encode(),
    "sans_fin": SAIN.rstrip("\n").encode(), "virgules": SAIN.replace(";", ",").encode(),
    "case_vide": re.sub(r"(?<=;é7;)[^\n]*", lambda m: ";" * m[0].count(";"), SAIN, count=1).encode(),
    "habillage": ("Insee" + ";" * 13 + "\n" + SAIN).encode(),
}
DOUTEUX = {
    "latin": SAIN.encode("latin-1"), "relu": SAIN.encode().decode("latin-1").encode(), "utf16": SAIN.encode("utf-16"),
    "guillemets": SAIN.replace(";é5;", ';"é;5";').encode(), "espace": SAIN.replace(";é5;", "; é5;").encode(),
    "ligne_vide": SAIN.replace(";é5;", ";é5;").replace("\n", "\n\n", 1).encode(),
    "points_virgules": SAIN.replace("\n", "\n" + ";" * 13 + "\n", 1).encode(),
    "court": SAIN.replace(";é5;", ";").encode(), "long": SAIN.replace(";é2999;", ";é;;").encode(),
    "nan": re.sub(r"(?<=;é7;)[^;]*", "nan", SAIN, count=1).encode(),
    "texte": re.sub(r"(?<=;é7;)[^;]*", "s", SAIN, count=1).encode(),
    "virgule": re.sub(r"(?<=;é7;)(\d+)\.", r"\1,", SAIN, count=1).encode(),
    "entete_repete": (SAIN + SAIN.split("\n")[0] + "\n").encode(), "nul": SAIN.replace("é9;", "\0;").encode(),
    "retour_seul": SAIN.replace("é9;", "a\rb;").encode(), "coupe": SAIN.encode()[:-200],
    "abime": SAIN.encode().replace(b"\xc3", b"\x3c\xff", 1),
}


en_memoire = delimite._en_memoire


def _issue(chemin):
    try:
        return lire(chemin)
    except EntreeFautive as refus:
        return str(refus)


@pytest.mark.parametrize("cas", [*SAINS, *DOUTEUX])
def test_meme_lecture_par_les_deux_chemins(tmp_path, monkeypatch, cas):
    chemin = tmp_path / "iris_2022.csv"
    chemin.write_bytes({**SAINS, **DOUTEUX}[cas])
    issue = _issue(chemin)
    monkeypatch.setattr(delimite, "examiner", lambda src: replace(examiner(src), simple=False))
    prudente = _issue(chemin)
    if isinstance(prudente, str) or isinstance(issue, str):
        assert issue == prudente
        return
    pd.testing.assert_frame_equal(issue.table, prudente.table, check_exact=True)
    assert issue.compte_rendu == prudente.compte_rendu
    assert (issue.annees, issue.millesime) == (prudente.annees, prudente.millesime)
    assert issue.compte_rendu.empreinte == hashlib.sha256(chemin.read_bytes()).hexdigest()


def test_le_chemin_vif_sert_et_dit_codes_passes_et_inconnus(tmp_path, monkeypatch):
    chemin = tmp_path / "iris_2022.csv"
    chemin.write_text(SAIN, encoding="utf-8")
    monkeypatch.setattr(delimite, "_en_memoire", lambda *reste: pytest.fail("lu en mémoire") if reste[-1] is None
                        else en_memoire(*reste))
    compte = lire(chemin).compte_rendu
    assert compte.codes_passes["49069"] == "49126" and "99999" in compte.codes_inconnus
    assert compte.lues == 3000 == compte.gardees + len(compte.rejets)
