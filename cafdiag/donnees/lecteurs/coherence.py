"""Ce qu'un fichier dit deux fois : un chiffre ou un code abîmé se trahit en se contredisant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import cog
from cafdiag.donnees.lecteurs.assemblage import Chantier, cle_de_nom, simple
from cafdiag.donnees.lecteurs.recollement import ramener
from cafdiag.donnees.nettoyage import code_departement
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

_PART_ISOLEE = 0.02


def departement_de(code: pd.Series) -> pd.Series:
    """Département d'un code commune.

    >>> departement_de(pd.Series(["01004", "2A004", "97411"])).tolist()
    ['01', '2A', '974']
    """
    return code.str[:2].where(~code.str.startswith("97", na=False), code.str[:3])


@lru_cache(maxsize=1)
def _par_nom() -> dict[tuple[str, str], set[str]]:
    communes = lire_table("communes", colonnes=["code", "nom", "departement"])
    resultat: dict[tuple[str, str], set[str]] = {}
    for code, nom, dep in communes.itertuples(index=False, name=None):
        if isinstance(dep, str):
            resultat.setdefault((dep, cle_de_nom(nom)), set()).add(code)
    anciens = lire_table("anciens_noms", colonnes=["code_ancien", "nom", "code"])
    for ancien, nom, code in anciens.itertuples(index=False, name=None):
        dep = ancien[:3] if ancien.startswith("97") else ancien[:2]
        resultat.setdefault((dep, cle_de_nom(nom)), set()).update((ancien, code))
    return resultat


def verifier_communes(c: Chantier, codes: pd.Series, nom: str | None, departement: str | None) -> None:
    """Écarte les lignes dont le nom ou le département contredit le code de commune."""
    if departement is not None:
        dit = code_departement(c.brut.table[departement]).valeurs
        faux = dit.notna() & codes.notna() & dit.ne(departement_de(codes))
        c.rejeter(faux, "le département contredit le code de la commune", codes)
    if nom is None:
        return
    paires = pd.DataFrame({"code": codes, "nom": c.brut.table[nom]})[c.garde].drop_duplicates().dropna()
    faux = set()
    for code, texte in paires.itertuples(index=False, name=None):
        dep = code[:3] if code.startswith("97") else code[:2]
        autres = _par_nom().get((dep, cle_de_nom(texte)), set())
        # Un nom inconnu ne prouve rien (communes renommées) ; le nom exact d'une autre commune, si.
        if autres and code not in autres and not (autres & _devenirs(code)):
            faux.add((code, texte))
    if faux:
        masque = [(code, texte) in faux for code, texte in zip(codes, c.brut.table[nom], strict=True)]
        c.rejeter(np.array(masque), "le nom est celui d'une autre commune", codes)


@lru_cache(maxsize=4096)
def _devenirs(code: str) -> frozenset[str]:
    cibles = a_jour([code])["cibles"].iloc[0]
    return frozenset() if pd.isna(cibles) else frozenset(cibles.split())


def verifier_annees(c: Chantier, annees: pd.Series) -> None:
    """Écarte les années isolées d'un grand fichier : un chiffre abîmé, pas un millésime."""
    comptes = annees[c.garde].value_counts()
    if comptes.empty:
        return
    isolees = comptes.index[comptes < _PART_ISOLEE * comptes.max()]
    if len(isolees):
        c.rejeter(annees.isin(isolees).to_numpy(dtype=bool), "année isolée : une poignée de lignes pour tout "
                  "le fichier", annees)


def verifier_somme(c: Chantier, valeurs: pd.DataFrame, parties: list[str], total: str, tolerance: float) -> None:
    """Écarte les lignes dont le total publié n'est pas la somme des parties publiées."""
    if total in valeurs and all(p in valeurs for p in parties):
        ecart = (valeurs[parties].sum(axis=1, skipna=False) - valeurs[total]).abs()
        c.rejeter(ecart.gt(tolerance + 1e-6), f"le total ({total}) n'est pas la somme de ses parties",
                  valeurs[total])


def verifier_entiers(c: Chantier, valeurs: pd.DataFrame) -> None:
    """Écarte les lignes où un effectif n'est pas entier."""
    for nom in valeurs:
        c.rejeter((valeurs[nom] % 1).gt(0), f"{nom} : un effectif n'est pas entier", valeurs[nom])


def verifier_pas(c: Chantier, valeurs: pd.DataFrame, pas: int = 5) -> None:
    """Dans un fichier arrondi (presque tout est multiple de 5), écarte les valeurs qui ne le sont pas."""
    if not c.garde.any() or valeurs.empty:
        return
    restes = (valeurs % pas).gt(0)
    gardes = restes[c.garde]
    if gardes.size >= 100 and gardes.to_numpy().mean() < 0.01:
        for nom in valeurs:
            c.rejeter(restes[nom], f"{nom} : pas un multiple de {pas} dans un fichier arrondi à {pas}", valeurs[nom])


def codes_perdus(c: Chantier, brute: pd.Series) -> set[str]:
    """Codes que portaient peut-être les lignes rejetées, à un caractère abîmé près.

    Une fusion dont un terme est sur une ligne abîmée ne doit pas être publiée sans lui.
    """
    textes = [*brute[~c.garde].astype(str), *(r.valeur for r in c.brut.rejets)]
    perdus: set[str] = set()
    for texte in set(textes):
        for i in range(max(1, min(len(texte), 80) - 4)):
            fenetre = texte[i:i + 5].upper()
            for k in range(len(fenetre)):
                perdus |= _a_un_pres().get(fenetre[:k] + "?" + fenetre[k + 1:], frozenset())
    return perdus


@lru_cache(maxsize=1)
def _a_un_pres() -> dict[str, set[str]]:
    liens = lire_table("passage_cog", colonnes=["code_ancien", "code"])
    resultat: dict[str, set[str]] = {}
    for code in set(liens["code_ancien"]) | set(liens["code"]):
        for k in range(5):
            resultat.setdefault(code[:k] + "?" + code[k + 1:], set()).add(code)
    return resultat


def passer(c: Chantier, table: pd.DataFrame, *, brute: pd.Series, additives: list[str],
           non_additives: Sequence[str] = (), villes: bool = True) -> pd.DataFrame:
    """Ramène au COG, note les passages, et ajoute une colonne jumelle ``…__statut`` là où un statut compte.

    ``brute`` est la colonne des codes telle qu'elle est dans le fichier.
    """
    apres, passages, statuts = ramener(table, additives=additives, non_additives=[*non_additives],
                                       villes=villes, cle=cog.ENSEMBLE, perdus=codes_perdus(c, brute))
    for ancien, cibles, statut in passages[["code_origine", "cibles", "statut"]].itertuples(index=False):
        if statut != "inconnu":
            c.passages[ancien] = cibles
    if len(statuts):
        cles = [k for k in table.columns if k not in {*additives, *non_additives}]
        for colonne, groupe in statuts.groupby("colonne"):
            par_cle = groupe.set_index(cles)["statut"]
            index = pd.MultiIndex.from_frame(apres[cles]) if len(cles) > 1 else pd.Index(apres[cles[0]])
            apres[f"{colonne}__statut"] = pd.Series(
                par_cle.reindex(index).fillna("exact").to_numpy(), index=apres.index, dtype="str")
    return apres


def nom_libre(texte: str) -> str:
    """Un nom réduit à ses lettres et chiffres, pour un identifiant.

    >>> nom_libre("Belle-Beille / Nord")
    'belle-beille-nord'
    """
    return re.sub(r"_+", "-", simple(texte))
