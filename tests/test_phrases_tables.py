"""Chaque phrase se vérifie contre la table qu'elle commente : nombres, années, rangs, sens, recalculés à part."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest

from cafdiag.indicateurs import confronter, dictionnaire
from cafdiag.restitution import bref, chapitres
from cafdiag.restitution import enjeux as regles_des_enjeux
from cafdiag.restitution.commentaires import commentaire, rangs_dits
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.territoires import territoire

# Un de chaque sorte : rural, urbain, deux départements, fusion de 2026, littoral, outre-mer, Corse, métropole, communes
# (dont Paris, Lyon et une nouvelle), départements, région, périmètre libre, France.
TERRITOIRES = (
    *("200048551", "244900015", "242010056", "200041622", "200070852", "249740119", "200054807", "200046977"),
    *("53084", "2A004", "75056", "97411", "49", "08", "75", "976", "52", "53012+53084", "FR"),
)
DEFINITIONS = dictionnaire()
# Ce que la Caf ou le territoire déclare n'est nulle part dans les données d'essai : rien ne s'en dit.
INDICATEURS = DEFINITIONS.index[~DEFINITIONS["source"].str.startswith("activité déclarée")].tolist()
NOMBRE = re.compile(r"\d{1,3}(?:\u202f\d{3})+(?:,\d+)?|\d+(?:,\d+)?")


def lecture(code: str) -> MesuresLues:
    # Tous les indicateurs, comme le rapport : ce qu'un autre essai a mesuré se relit.
    trouve = confronter(territoire(code))
    return MesuresLues(trouve.mesures, confrontation=trouve)


_LIGNES: dict = {}


def lignes_de(lu_: MesuresLues, code: str) -> list[dict]:
    """Les mesures d'un indicateur, le territoire d'abord ; celles de la dernière lecture sont gardées."""
    if _LIGNES.get("lecture") is not lu_:
        _LIGNES.clear()
        _LIGNES["lecture"] = lu_
        for mesure in lu_.mesures.to_dict("records"):
            _LIGNES.setdefault(mesure["indicateur"], []).append(mesure)
    return _LIGNES.get(code, [])


def ecrit(valeur: float, decimales: int) -> str:
    arrondi = Decimal(repr(float(valeur))).quantize(Decimal(1).scaleb(-decimales), rounding=ROUND_HALF_UP)
    return f"{abs(arrondi):,.{decimales}f}".replace(",", "\u202f").replace(".", ",")


def lu(texte: str) -> float:
    return float(texte.replace("\u202f", "").replace(",", ".").replace("\u2212", "-").replace("+", ""))


def permis(lu_: MesuresLues, code: str) -> set[str]:
    """Tous les nombres qu'une phrase sur cet indicateur peut écrire, d'après les seules mesures."""
    decimales = int(DEFINITIONS.at[code, "decimales"])
    lignes = lignes_de(lu_, code)
    ici = lignes[0]
    nombres = {"100"}
    for mesure in lignes:
        for colonne in ("valeur", "bas", "haut"):
            if pd.notna(mesure[colonne]) and abs(mesure[colonne]) < 1e12:
                nombres.add(ecrit(mesure[colonne], decimales))
        for colonne in ("numerateur", "denominateur"):
            if pd.notna(mesure[colonne]):
                nombres.add(ecrit(mesure[colonne], 0))
        if pd.notna(mesure["valeur"]) and pd.notna(ici["valeur"]):
            vus = [lu(ecrit(m["valeur"], decimales)) * (-1 if m["valeur"] < 0 else 1) for m in (ici, mesure)]
            nombres.add(ecrit(round(abs(vus[0] - vus[1]), decimales), decimales))
        textes_ = [mesure[c] for c in ("libelle", "unite", "millesime", "motif", "annee", "nom")]
        nombres |= set(NOMBRE.findall(" ".join(map(str, textes_))))
    # 99,97 % s'écrit 99,9 ; 0,02 % « moins de 0,1 » ; une borne de 0,02, 0,0.
    nombres |= {"99,9", ecrit(10.0**-decimales, decimales)} if ici["unite"] == "%" else set()
    nombres |= set(NOMBRE.findall(" ".join(DEFINITIONS.loc[code, ["limites", "libelle", "libelle_court"]])))
    for cle, groupe in lu_.groupes.items():
        place = lu_.position(code, cle)
        if place is not None:
            nombres |= {str(len(groupe.codes)), str(len(groupe.codes) + 1)}
            rangs = [place[c] for c in ("rang_haut", "rang_bas", "classes", "nombre")]
            nombres |= {ecrit(r, 0) for r in rangs if pd.notna(r)}
            nombres.add(ecrit(place["mediane"], decimales))
    return nombres


def bornes(mesure: dict) -> tuple[float, float]:
    if pd.isna(mesure["bas"]) and pd.isna(mesure["haut"]):
        demi = 0.02 * abs(mesure["valeur"]) if mesure["statut"] == "estime" else 0.0
        return mesure["valeur"] - demi, mesure["valeur"] + demi
    return (
        mesure["valeur"] if pd.isna(mesure["bas"]) else min(mesure["bas"], mesure["valeur"]),
        mesure["valeur"] if pd.isna(mesure["haut"]) else max(mesure["haut"], mesure["valeur"]),
    )


def separees(une: dict, autre: dict, decimales: int) -> bool:
    (a, b), (c, d) = bornes(une), bornes(autre)
    return max(round(a - d, 6), round(c - b, 6)) > round(10.0**-decimales, 6)


def verifier_le_rang(lu_: MesuresLues, code: str, cle: str, dit: str) -> None:
    pairs = lu_._confrontation.pairs
    pairs = pairs[pairs["indicateur"].eq(code) & pairs["territoire"].isin(lu_.groupes[cle].codes)]
    ici = lu_.ligne(code)
    pairs = [p for p in pairs.to_dict("records") if pd.notna(p["valeur"]) and p["annee"] == ici["annee"]]
    decimales = int(DEFINITIONS.at[code, "decimales"])
    devant = sum(separees(p, ici, decimales) and p["valeur"] > ici["valeur"] for p in pairs)
    derriere = sum(separees(p, ici, decimales) and p["valeur"] < ici["valeur"] for p in pairs)
    rangs = [int(r) for r in re.findall(r"(\d+)(?:er|e)\b", dit.split(" sur ")[0])]
    assert (rangs[0], rangs[-1]) == (devant + 1, len(pairs) + 1 - derriere), (code, dit)
    assert f"sur {len(pairs) + 1}" in dit, (code, dit)


def verifier(lu_: MesuresLues, code: str) -> None:
    dites = commentaire(lu_, code)
    ici, phrase = lu_.ligne(code), dites.niveau
    assert " 1 communes" not in phrase and "fusion inconnu" not in phrase
    peut_dire = permis(lu_, code)
    hors = [n for n in NOMBRE.findall(str(dites)) if n not in peut_dire]
    assert not hors, (code, hors, phrase, sorted(peut_dire))
    if pd.isna(ici["valeur"]):
        # Ni valeur, ni comparaison, ni rang : ses bornes au plus.
        assert not dites.rang and " que " not in phrase.split("(")[0]
        return
    decimales = int(DEFINITIONS.at[code, "decimales"])
    annees = set(re.findall(r"\b\d{4}\b", str(ici["millesime"])))
    if len(annees) > 1 and "," in str(ici["millesime"]):
        assert re.search(r" (?:en|fin) \d{4}", phrase) is None, (code, phrase)
        assert str(ici["millesime"]) in phrase or "non énoncé" in phrase, (code, phrase)
    for annee in re.findall(r" (?:en|fin) (\d{4})", phrase):
        assert int(annee) == ici["annee"], (code, phrase)
    if trouve := re.search(r"soit ([\d,\u202f]+) .*? de (plus|moins) que (.+?) \(([^)]+)\)", phrase):
        ecart, sens, _, montre = trouve.groups()
        reference = lu(montre.split("\u202f%")[0])
        vu = lu(ecrit(ici["valeur"], decimales))
        assert round(abs(vu - reference), decimales) == lu(ecart), (code, phrase)
        assert (vu > reference) == (sens == "plus"), (code, phrase)
    references = [m for m in lignes_de(lu_, code) if pd.notna(m["valeur"])][1:]
    nommee = next((m for m in references if lu_.nom(code, m["role"]) in phrase), None)
    if nommee is not None and re.search(r"soit .* que|, contre ", phrase):
        assert separees(ici, nommee, decimales), (code, phrase)
        assert (nommee["annee"], nommee["millesime"]) == (ici["annee"], ici["millesime"]), (code, phrase)
    if nommee is not None and "trop petit pour être commenté" in phrase:
        assert not separees(ici, nommee, decimales), (code, phrase)
    if trouve := re.search(r"(augmenté|diminué) de ", phrase):
        assert (trouve[1] == "augmenté") == (ici["valeur"] > 0), (code, phrase)
    if re.match(r"(Tous les|Toutes les)", phrase):
        assert round(ici["valeur"], 6) >= 100, (code, phrase)
    if " aucun" in phrase.lower()[:24]:
        assert round(ici["valeur"], decimales) == 0, (code, phrase)
    france = next((m for m in references if m["role"] == "france"), None)
    if france is not None and "rance" in phrase.split("fois celui")[0] and "France services" not in phrase:
        assert ("France hors Mayotte" in phrase) == france["motif"].startswith("hors Mayotte"), (code, phrase)
    for cle in lu_.groupes:
        for dit in rangs_dits(lu_, code, (cle,)):
            verifier_le_rang(lu_, code, cle, dit)


@pytest.mark.parametrize("code", TERRITOIRES)
def test_chaque_phrase_dit_ce_que_dit_sa_table(code):
    lu_ = lecture(code)
    for indicateur in INDICATEURS:
        verifier(lu_, indicateur)
    lieu = territoire(code)
    # Chaque nombre de « En bref » et des enjeux est celui d'une mesure de ce territoire ou de ses références.
    connus = set().union(*(permis(lu_, c) for c in INDICATEURS)) | {str(len(lieu.communes))}
    connus |= set(NOMBRE.findall(lieu.nom)) | {str(n) for n in (2, 3, 11, 15, 70)}
    enjeux = regles_des_enjeux.enjeux(lu_)
    for phrase in [*bref.en_bref(lieu, lu_, nom=lieu.nom).phrases, *(e.constat for e in enjeux)]:
        assert not [n for n in NOMBRE.findall(phrase) if n not in connus], phrase
    page = chapitres.enjeux(lu_)
    if not enjeux and regles_des_enjeux.repond(lu_):
        assert "aucun écart" not in page.lower() and "aucune de ces situations" in page
    for m in lignes_de(lu_, "PE_TXCOUV_GLOBAL"):
        if m["role"] == "france" and pd.notna(m["valeur"]):
            assert m["motif"].startswith("hors Mayotte")
    for indicateur, lignes in lu_.mesures[lu_.mesures["valeur"].notna()].groupby("indicateur"):
        dates = set(zip(lignes["annee"], lignes["millesime"], strict=True))
        dit = lignes["motif"].str.contains("celui de la date comparée n'est pas connu").any()
        assert len(dates) == 1 or dit, (indicateur, dates)
