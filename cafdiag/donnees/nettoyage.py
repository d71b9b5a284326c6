"""Nettoyer les cellules d'un fichier officiel : nombres, codes, années. Rien n'est corrigé en silence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cafdiag.donnees.compte_rendu import accord
from cafdiag.magasin import lire_table

SECRETS = frozenset({"s", "secret", "c", "secret statistique", "<5", "< 5"})
MANQUANTS = frozenset({
    "", "nd", "n.d.", "n.d", "nc", "n.c.", "n/d", "na", "n/a", "#n/a", "#na", "nan", "null", "none",
    # Insee (Melodi, BPE) : sans objet, inconnu, non diffusé.
    "_z", "_u", "_x", "_n", "_o",
    "nr", "ns", "n.s.", "so", "s.o.", "-", "–", "—", "///", "…", "...", ".", "..",
})
_ESPACES = dict.fromkeys(map(ord, " \t\u00a0\u202f\u2009\u2007'’"))
# Un nombre que Python et Arrow lisent de même, sans espace ni exposant, sa virgule changée en point.
_ORDINAIRE = r"^-?[0-9]{1,15}(\.[0-9]{1,20})?$"
_NOMBRE = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
# « 1.250 », « 12,500 » : mille deux cent cinquante, ou un et un quart ?
MILLIERS_OU_DECIMALES = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_PSEUDO_ZONES = re.compile(r"(?=.*[XZ])[XZ]+|COM|TOTAL|\d{2,3}[XZ]+|_[TZU]")
_ANNEE = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Codes:
    """Codes nettoyés : ``valeurs`` (manquant si rejeté), ``raisons`` (vide si gardé), ``reparations``."""

    valeurs: pd.Series
    raisons: pd.Series
    reparations: dict[str, str] = field(default_factory=dict)

    def remarque(self) -> list[str]:
        """La phrase du compte rendu, s'il y a eu réparation."""
        if not self.reparations:
            return []
        exemples = ", ".join(f"{a} → {b}" for a, b in list(self.reparations.items())[:3])
        return [f"{len(self.reparations)} code(s) réparés : {exemples}"]


def nombre(serie: pd.Series, *, vide: str = "non_disponible") -> tuple[pd.Series, pd.Series]:
    """Lit des nombres écrits à la française ou à l'anglaise, et dit le statut de chacun.

    Milliers séparés par une espace (ordinaire, insécable, fine) ; virgule ou point décimal. La virgule
    est toujours décimale. « 1.234,5 » (deux signes) est illisible plutôt que deviné.

    Parameters
    ----------
    serie : Series of str
    vide : str
        Statut d'une case vide ; « secret » dans les fichiers où le blanc cache un petit effectif.

    Returns
    -------
    valeurs : Series of float
        Manquant pour tout autre statut que « exact ».
    statut : Series of str
        « exact », « secret », « non_disponible », ou « illisible » (la ligne est à rejeter).

    Examples
    --------
    >>> valeurs, statut = nombre(pd.Series(["1\\u202f036", "12,5", "s", "nd", "", "1x"]))
    >>> valeurs.tolist(), statut.tolist()
    ([1036.0, 12.5, nan, nan, nan, nan],
     ['exact', 'exact', 'secret', 'non_disponible', 'non_disponible', 'illisible'])
    """
    if pd.api.types.is_float_dtype(serie):  # déjà lue en nombres (voir lire_tableau)
        sortes = pd.Categorical.from_codes(serie.isna().to_numpy("int8"), dtype=_statuts_possibles(vide),
                                           validate=False)
        return serie, pd.Series(sortes, index=serie.index)
    try:
        lus = pa.array(serie, type=pa.large_string()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        lus = np.array([np.nan])
    # « nan » et « inf » s'écrivent comme des nombres : le chemin lent dit ce qu'ils sont.
    if np.isfinite(lus).all():
        return pd.Series(lus, index=serie.index), pd.Series("exact", index=serie.index, dtype="str")
    codes, uniques = pd.factorize(serie.fillna(""), use_na_sentinel=False)
    valeurs, statuts = _nombres(uniques, vide)
    return (
        pd.Series(valeurs[codes] if len(codes) else [], index=serie.index, dtype="float64"),
        pd.Series(statuts[codes] if len(codes) else [], index=serie.index, dtype="str"),
    )


def sans_nombre(colonne: str, ecrits: pd.Series) -> list[str]:
    """Ce qu'il faut dire des cases sans nombre d'une colonne, si autre chose qu'un blanc y est écrit.

    >>> sans_nombre("places", pd.Series(["nd", "", "s"]))
    ['« places » sans nombre, laissé vide (jamais zéro), sur 2 lignes : « nd », « s »']
    """
    dits = ecrits[ecrits.notna() & ecrits.str.strip().ne("")]
    if dits.empty:
        return []
    differents = dits.unique()
    suite = ", ".join(f"« {t} »" for t in differents[:5]) + ("…" if len(differents) > 5 else "")
    return [f"« {colonne} » sans nombre, laissé vide (jamais zéro), sur {len(dits)} "
            f"{accord('ligne', len(dits))} : {suite}"]


def _nombres(uniques, vide: str) -> tuple[np.ndarray, np.ndarray]:
    """Valeur et statut de chaque écriture ; les plus ordinaires sont lues d'un bloc."""
    textes = pa.array(uniques if uniques.dtype == "str" else list(map(str, uniques)), type=pa.large_string())
    a_point = pc.replace_substring(textes, ",", ".")
    ordinaires = pc.match_substring_regex(a_point, _ORDINAIRE).to_numpy(zero_copy_only=False)
    valeurs = np.full(len(textes), np.nan)
    statuts = np.full(len(textes), "exact", dtype=object)
    valeurs[ordinaires] = a_point.filter(pa.array(ordinaires)).cast(pa.float64()).to_numpy()
    autres = np.flatnonzero(~ordinaires)
    for i, texte in zip(autres, textes.take(pa.array(autres)).to_pylist(), strict=True):
        valeurs[i], statuts[i] = _un_nombre(texte, vide)
    return valeurs, statuts


@lru_cache(maxsize=4)
def _statuts_possibles(vide: str) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(["exact", vide])


def _un_nombre(texte: str, vide: str) -> tuple[float, str]:
    if texte.isascii() and texte.isdigit():
        return float(texte), "exact"
    nu = texte.strip()
    if nu == "":
        return np.nan, vide
    bas = nu.lower()
    if bas in SECRETS:
        return np.nan, "secret"
    if bas in MANQUANTS:
        return np.nan, "non_disponible"
    serre = nu.translate(_ESPACES)
    if not serre.isascii() or not _NOMBRE.fullmatch(serre):
        return np.nan, "illisible"
    if serre != nu and not re.fullmatch(r"[+-]?\d{1,3}(\D\d{3})+([.,]\d*)?", nu):
        return np.nan, "illisible"  # « 12 3 » n'est pas un nombre à milliers séparés
    valeur = float(serre.replace(",", "."))
    return (valeur, "exact") if np.isfinite(valeur) else (np.nan, "illisible")


@lru_cache(maxsize=1)
def communes_connues() -> frozenset[str]:
    """Tous les codes commune, arrondissement et anciens codes que le référentiel connaît."""
    actuels = lire_table("communes", colonnes=["code"])["code"]
    anciens = lire_table("passage_cog", colonnes=["code_ancien"])["code_ancien"]
    return frozenset(actuels) | frozenset(anciens)


def _texte_de_code(texte: str) -> str:
    nu = texte.translate(dict.fromkeys(map(ord, " \t\u00a0\u202f\u2009\u200b\ufeff"))).strip("'\"=").upper()
    # Un tableur qui a lu le code comme un nombre décimal.
    return nu[:-2] if re.fullmatch(r"\d+\.0", nu) else nu


def code_commune(serie: pd.Series) -> Codes:
    """Nettoie des codes commune ; répare ce qui est sûr, motive le reste.

    Zéro de tête perdu (« 1001 », seulement si « 01001 » est une commune connue), casse de la Corse,
    code d'outre-mer à six caractères (971102 → 97102). Les pseudo-zones sont rejetées.

    Examples
    --------
    >>> codes = code_commune(pd.Series(["1001", "2a004", "971102", "XX", "", "53130"]))
    >>> codes.valeurs.tolist()
    ['01001', '2A004', '97102', nan, nan, '53130']
    >>> [r for r in codes.raisons if r]
    ['pseudo-zone, pas une commune', 'code vide : non localisé']
    """
    return _nettoyer(serie, _une_commune, "pseudo-zone, pas une commune")


def _une_commune(code: str) -> tuple[str | None, str]:
    if code in communes_connues():
        return code, ""
    if re.fullmatch(r"\d{4}", code) and f"0{code}" in communes_connues():
        return f"0{code}", ""
    if re.fullmatch(r"97(\d)\1\d\d", code):
        return f"97{code[3:]}", ""
    if re.fullmatch(r"\d{5}|2[AB]\d{3}", code):
        return code, ""
    return None, "ce n'est pas un code commune"


def departement_de(commune: str) -> str:
    """Département d'un code de commune, actuel ou ancien.

    >>> [departement_de(c) for c in ("01004", "2A004", "97411")]
    ['01', '2A', '974']
    """
    return commune[: 3 if commune.startswith("97") else 2]


def code_departement(serie: pd.Series) -> Codes:
    """Nettoie des codes de département (« 1 » → « 01 », « 2a » → « 2A »).

    >>> code_departement(pd.Series(["1", "2b", "974", "XXX"])).valeurs.tolist()
    ['01', '2B', '974', nan]
    """
    return _nettoyer(serie, _un_departement, "pseudo-zone, pas un département")


def _un_departement(code: str) -> tuple[str | None, str]:
    # Quelques fichiers écrivent « 0053 », « 053 » ou « D53 ».
    nu = code.removeprefix("DEP").removeprefix("D").removeprefix("-")
    nu = nu.lstrip("0").zfill(2) if nu.isdigit() and len(nu) != 2 else nu
    if re.fullmatch(r"(?!00)\d\d|2[AB]|97\d", nu):
        return nu, ""
    return None, "ce n'est pas un code de département"


def code_region(serie: pd.Series) -> Codes:
    """Nettoie des codes de région (« 1 » → « 01 » Guadeloupe).

    >>> code_region(pd.Series(["1", "52", "COM"])).valeurs.tolist()
    ['01', '52', nan]
    """
    return _nettoyer(serie, _une_region, "pseudo-zone, pas une région")


def _une_region(code: str) -> tuple[str | None, str]:
    nu = code.zfill(2)
    if nu in set(lire_table("regions", colonnes=["code"])["code"]):
        return nu, ""
    return None, "ce n'est pas un code de région"


def code_epci(serie: pd.Series) -> Codes:
    """Nettoie des SIREN d'EPCI ; la clé de contrôle du SIREN trahit un chiffre altéré.

    >>> codes = code_epci(pd.Series(["200048551", "200048552", "ZZZZZZZZZ", "XX"]))
    >>> codes.valeurs.tolist(), codes.raisons.tolist()[1]
    (['200048551', nan, nan, nan], "ce n'est pas un SIREN (clé de contrôle fausse)")
    """
    return _nettoyer(serie, _un_epci, "pseudo-zone : communes sans EPCI")


def _un_epci(code: str) -> tuple[str | None, str]:
    if not re.fullmatch(r"\d{9}", code):
        return None, "ce n'est pas un SIREN d'EPCI"
    if not siren_valide(code):
        return None, "ce n'est pas un SIREN (clé de contrôle fausse)"
    return code, ""


def siren_valide(code: str) -> bool:
    """Vrai si la clé de Luhn du SIREN est juste.

    >>> siren_valide("200048551"), siren_valide("200048561")
    (True, False)
    """
    doubles = [int(c) * (2 if i % 2 else 1) for i, c in enumerate(code)]
    return sum(d - 9 if d > 9 else d for d in doubles) % 10 == 0


def _nettoyer(serie: pd.Series, regle: Callable[[str], tuple[str | None, str]], pseudo_zone: str) -> Codes:
    def lire(texte: str) -> tuple[str | None, str]:
        code = _texte_de_code(texte)
        if not code:
            return None, "code vide : non localisé"
        return (None, pseudo_zone) if _PSEUDO_ZONES.fullmatch(code) else regle(code)

    codes, uniques = pd.factorize(serie.fillna(""), use_na_sentinel=False)
    lus = [lire(str(u)) for u in uniques]
    valeurs = pd.Series([v for v, _ in lus], dtype="str")
    raisons = pd.Series([r for _, r in lus], dtype="str")
    reparations = {str(u).strip(): v for u, (v, _) in zip(uniques, lus, strict=True)
                   if v is not None and v != str(u).strip()}
    return Codes(
        valeurs.take(codes).set_axis(serie.index),
        raisons.take(codes).set_axis(serie.index),
        reparations,
    )


def annee(serie: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Lit l'année d'un entier, d'un texte ou d'une date, quelle que soit l'écriture.

    Returns
    -------
    valeurs : Series of Int64
    raisons : Series of str
        Vide si l'année est lue.

    Examples
    --------
    >>> valeurs, _ = annee(pd.Series(["2024", "2024-12", "202412", "2024-12-31", "31/12/2024", "2024.0"]))
    >>> valeurs.unique().tolist()
    [2024]
    """
    codes, uniques = pd.factorize(serie.fillna(""), use_na_sentinel=False)
    lus = [_une_annee(str(u)) for u in uniques]
    valeurs = pd.array([lu for lu in lus], dtype="Int64").take(codes)
    raisons = pd.Series(["" if lu is not None else "année illisible" for lu in lus], dtype="str").take(codes)
    return pd.Series(valeurs, index=serie.index), raisons.set_axis(serie.index)


def _une_annee(texte: str) -> int | None:
    nu = texte.strip().removesuffix(".0")
    mois = r"(0[1-9]|1[0-2])"
    jour = r"(0[1-9]|[12]\d|3[01])"
    for forme in (
        r"(?P<a>\d{4})", rf"(?P<a>\d{{4}})[-/]?{mois}", rf"(?P<a>\d{{4}})[-/]?{mois}[-/]?{jour}",
        rf"(?P<a>\d{{4}})-{mois}-{jour}[T ](?P<h>\d\d):\d\d.*", rf"{jour}/{mois}/(?P<a>\d{{4}})",
        rf"{mois}/(?P<a>\d{{4}})", r"[A-Za-zéûô]+\.? (?P<a>\d{4})",
    ):
        trouve = re.fullmatch(forme, nu)
        if trouve and _ANNEE.fullmatch(trouve["a"]):
            an = int(trouve["a"])
            # 1er janvier à Paris, écrit en temps universel : la veille à 22 ou 23 heures.
            minuit = trouve.groupdict().get("h") in ("22", "23") and nu[5:10] == "12-31"
            return an + 1 if minuit and nu.endswith(("Z", "+00:00")) else an
    return None
