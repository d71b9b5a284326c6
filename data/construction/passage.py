"""Le passage des anciens codes de communes au COG 2025."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cafdiag.territoires.normalisation import normaliser_tous
from construction.sources import etalab

# Fusions sans commune déléguée ni associée : le champ « chefLieu » d'Etalab ne les donne pas. Lues dans la
# table de passage annuelle de l'Insee (2025) ; l'année est celle du COG où l'ancien code n'existe plus.
FUSIONS_SIMPLES = {
    "02311": ("02589", 2025), "08300": ("08439", 2025), "16238": ("16023", 2025), "25297": ("25364", 2025),
    "26371": ("26289", 2025), "42072": ("42217", 2025), "71131": ("71566", 2025), "72287": ("72155", 2025),
    "18131": ("18173", 2024), "95282": ("95169", 2024),
}
# Communes rétablies : l'ancien code désigne encore une commune, mais sur un territoire plus petit.
SCISSIONS = {
    "15141": (("15031", "15035", "15047", "15141", "15171"), 2025),
    "60054": (("60054", "60694"), 2024),
    "85084": (("85084", "85165", "85212"), 2024),
}
_COG = {"3.1.1": 2023, "4.0.0": 2024}
_NATURES = {"commune-deleguee": "deleguee", "commune-associee": "associee"}


# La référence : mêmes communes qu'en 2025 (dix-neuf ont changé de nom), mais d'autres intercommunalités.
REFERENCE, ANCIENNE = "6.0.0", "5.3.0"


def actuelles(version: str, cache: Path) -> dict[str, dict]:
    """Communes actuelles d'une version d'Etalab, par code."""
    return {c["code"]: c for c in etalab(version, "communes", cache) if c["type"] == "commune-actuelle"}


def cibles(cache: Path) -> dict[str, str]:
    """Commune du COG 2025 où se trouve chaque code disparu (scissions exclues)."""
    reference = actuelles(ANCIENNE, cache)
    vers = {c["code"]: c["chefLieu"] for c in etalab(ANCIENNE, "communes", cache)
            if c["type"] in _NATURES and c["code"] not in reference}
    return vers | {ancien: nouveau for ancien, (nouveau, _) in FUSIONS_SIMPLES.items()}


def _fusions_anciennes(cache: Path, connus: set[str]) -> dict[str, tuple[str | None, str]]:
    """Anciens codes (champ « anciensCodes ») sans commune déléguée aujourd'hui : nom connu ou non, commune.

    Sont laissés de côté les codes d'un autre département (créations de départements de 1968 et 1976) et
    ceux qui sont aussi un code postal : « 75001 » saisi par erreur ne doit pas mener à Alfortville.
    """
    reference = actuelles(ANCIENNE, cache)
    postaux = {postal for c in reference.values() for postal in c.get("codesPostaux", [])}
    noms = {c["code"]: c["nom"] for version in _COG for c in etalab(version, "communes", cache)
            if c["type"] in _NATURES}
    return {ancien: (noms.get(ancien), code) for code, c in reference.items()
            for ancien in c.get("anciensCodes", [])
            if ancien not in connus and ancien not in reference and ancien not in postaux
            and ancien[:2] == code[:2]}


def table_passage(cache: Path, faits: Path) -> pd.DataFrame:
    """Tout code disparu connu → sa commune au COG 2025.

    ``type`` dit ce qu'est l'ancien code : commune fusionnée (``fusion``), commune dont le code a changé
    avec le chef-lieu (``changement_code``), commune déléguée ou associée d'aujourd'hui, ou commune scindée
    (``scission`` : une ligne par commune d'arrivée). ``annee`` : COG où le code cesse d'être celui d'une
    commune, vide avant 2023. ``part`` : part de chaque commune d'arrivée dans la population municipale 2023
    de l'ensemble ; elle n'est connue que pour cette date et ne sert pas à répartir le passé.
    """
    reference = actuelles(REFERENCE, cache)
    anciens = actuelles(ANCIENNE, cache)
    anciennes = {version: actuelles(version, cache) for version in _COG}
    natures = {c["code"]: (c["nom"], _NATURES[c["type"]]) for c in etalab(ANCIENNE, "communes", cache)
               if c["type"] in _NATURES}
    publies = pd.read_csv(faits / "passage_cog2024_cog2025.csv", dtype="str", keep_default_na=False)
    derniers = _derniers_noms(faits)
    vers = cibles(cache)
    for ligne in publies.itertuples():
        # La table des faits laisse vides les fusions sans commune déléguée ; ailleurs elle doit concorder.
        if ligne.code_2025 and vers.get(ligne.code, ligne.code_2025) != ligne.code_2025:
            raise AssertionError(f"passage de {ligne.code} : {ligne.code_2025} ou {vers[ligne.code]} ?")
        if ligne.code_2025:
            vers[ligne.code] = ligne.code_2025
    lignes = []
    for ancien in sorted(vers):
        nouveau = vers[ancien]
        annee = next((cog + 1 for version, cog in sorted(_COG.items(), key=lambda v: -v[1])
                      if ancien in anciennes[version]), None)
        nom, nature = natures.get(ancien, (None, "fusion"))
        if annee is not None:
            # Le nom et la nature à retenir sont ceux de la commune disparue, pas de la déléguée qui reste.
            nom = next(communes[ancien]["nom"] for communes in reversed(anciennes.values())
                       if ancien in communes)
            meme = nom == anciens[nouveau]["nom"] and nouveau not in anciennes["4.0.0"]
            nature = "changement_code" if meme else "fusion"
        lignes.append((ancien, nom or derniers.get(ancien), nouveau, reference[nouveau]["nom"], nature, annee, None))
    for ancien, (arrivees, annee) in SCISSIONS.items():
        total = sum(anciens[c]["population"] for c in arrivees)
        nom = anciennes["3.1.1"][ancien]["nom"]
        lignes += [(ancien, nom, c, reference[c]["nom"], "scission", annee,
                    round(anciens[c]["population"] / total, 6)) for c in arrivees]
    lignes += [(ancien, nom or derniers.get(ancien), code, reference[code]["nom"], "fusion", None, None)
               for ancien, (nom, code) in _fusions_anciennes(cache, set(vers)).items()]
    textes = ["code_ancien", "nom_ancien", "code", "nom", "type"]
    table = pd.DataFrame(lignes, columns=[*textes, "annee", "part"])
    return (table.astype({c: "str" for c in textes} | {"annee": "Int64", "part": "float64"})
            .sort_values(["code_ancien", "code"], ignore_index=True))


def _historique(faits: Path) -> pd.DataFrame:
    return pd.read_csv(faits / "anciens_noms_communes.csv", dtype="str", keep_default_na=False)


def _derniers_noms(faits: Path) -> dict[str, str]:
    """Le dernier nom de chaque code de l'historique."""
    lus = _historique(faits).sort_values("annee", kind="stable")
    return dict(zip(lus["code"], lus["nom"], strict=True))


def table_anciens_noms(cache: Path, faits: Path, passages: pd.DataFrame) -> pd.DataFrame:
    """Tout nom officiel qu'aucune commune d'aujourd'hui ne porte là où il se portait → sa commune actuelle.

    Trois origines : l'historique de l'Insee (``data/faits``), les noms des versions d'Etalab, et leurs communes
    déléguées ou associées, **y compris celle qui a le code de sa commune nouvelle** (Château-Gontier, 53062).
    ``nature`` : le nom était celui de toute la commune (``renommee``), d'une commune qu'elle contient
    (``fusion``), ou d'un ensemble partagé depuis (``scission`` : une ligne par commune d'arrivée). ``annee`` : la
    dernière où il est attesté.
    """
    reference = actuelles(REFERENCE, cache)
    vers: dict[str, list[str]] = {}
    for ancien, code in passages[["code_ancien", "code"]].itertuples(index=False, name=None):
        vers.setdefault(ancien, []).append(code)
    connus = {(x.code, x.nom): (x.codes_2025.split(), x.nature, x.annee)
              for x in _historique(faits).itertuples(index=False)}
    for version, cog in {**_COG, ANCIENNE: 2025, REFERENCE: 2026}.items():
        for c in etalab(version, "communes", cache):
            entiere = c["type"] == "commune-actuelle"
            if (not entiere and c["type"] not in _NATURES) or (c["code"], c["nom"]) in connus:
                continue
            if entiere and c["nom"] == reference.get(c["code"], {}).get("nom"):
                continue
            codes = vers.get(c["code"], [])
            if not entiere or not codes:
                codes = codes if len(codes) == 1 else [c["code"] if c["code"] in reference else c["chefLieu"]]
                codes = [code for d in codes for code in (vers[d] if d not in reference else [d])]
            nature = "scission" if len(codes) > 1 else "renommee" if entiere and codes == [c["code"]] else "fusion"
            connus[c["code"], c["nom"]] = codes, nature, str(cog)
    lignes = [(nom, ancien, code, nature, annee) for (ancien, nom), (codes, nature, annee) in connus.items()
              for code in codes]
    table = pd.DataFrame(lignes, columns=["nom", "code_ancien", "code", "nature", "annee"])
    table["annee"] = table["annee"].astype("Int64")
    # Écrit autrement, mais le même nom au même endroit : rien à dire de plus.
    porte = pd.Series(normaliser_tous(reference[c]["nom"] for c in table["code"]))
    autre = porte.ne(pd.Series(normaliser_tous(table["nom"]))) | table["nature"].eq("scission")
    textes = ["nom", "code_ancien", "code", "nature"]
    return (table[autre].astype(dict.fromkeys(textes, "str"))
            .sort_values(["code_ancien", "nom", "code"], ignore_index=True))
