"""Lire un très grand fichier par tranches, en ne gardant que les lignes d'un champ : jamais tout en mémoire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut, Rejet
from cafdiag.donnees.delimite import options_de_lecture, rejet_de_forme, trouver_forme
from cafdiag.donnees.entetes import DEUX_FOIS, choisir, nommer
from cafdiag.donnees.examen import examiner
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.erreurs import EntreeFautive

_TRANCHE = 1 << 17


class Doute(Exception):
    """Le fichier n'est pas sain : la lecture vive renonce, le chemin prudent le lira et dira ce qu'il a."""


@dataclass(frozen=True)
class Trie:
    """Les lignes du champ, et ce qu'on sait des autres.

    Attributes
    ----------
    brut : Brut
        Les lignes gardées.
    de_cote : dict
        Valeur de la colonne qui trie → nombre de lignes mises de côté.
    vus : dict
        Colonne suivie → valeurs rencontrées dans **tout** le fichier.
    hors_tri : dict
        Colonne de ``aussi`` → nombre de lignes du champ qu'elle a écartées.
    """

    brut: Brut
    de_cote: dict[str, int]
    vus: dict[str, set[str]]
    hors_tri: dict[str, int] = field(default_factory=dict)


def trier(chemin: Path, *, colonnes: Callable[[str], bool], par: str, valeurs: Collection[str],
          suivies: Collection[str] = (), aussi: Mapping[str, Collection[str]] | None = None,
          feuille: str | None = None) -> Trie:
    """Lit les lignes dont la colonne ``par`` vaut l'une de ``valeurs`` (majuscules).

    ``aussi`` : d'autres colonnes, et les valeurs qu'elles doivent avoir, telles qu'écrites.

    Un CSV sain et un Parquet sont lus tranche par tranche ; tout autre fichier l'est par
    :func:`cafdiag.donnees.tableurs.lire_tableau`, puis trié : le résultat est le même.
    """
    src = octets.source(chemin)
    if src.format in ("csv", "parquet"):
        trie = _par_tranches(src, colonnes, par, frozenset(valeurs), tuple(suivies), aussi or {})
        if trie is not None:
            trie.brut.empreinte = octets.empreinte(src.chemin)
            return trie
    brut = lire_tableau(chemin, feuille=feuille, colonnes=colonnes)
    types = brut.table[par].str.upper()
    garde = types.isin(valeurs).to_numpy()
    ecartees = {str(v): int(n) for v, n in types[~garde].value_counts().items()}
    hors_tri = {}
    for nom, voulues in (aussi or {}).items():
        ici = brut.table[nom].isin(voulues).to_numpy()
        hors_tri[nom] = int((garde & ~ici).sum())
        garde = garde & ici  # la vue de pandas est en lecture seule
    vus = {nom: set(brut.table[nom].unique()) for nom in suivies}
    reste = Brut(brut.table[garde].reset_index(drop=True), brut.lignes[garde], brut.entete, brut.rejets,
                 brut.remarques, brut.fichier, brut.empreinte)
    return Trie(reste, ecartees, vus, hors_tri)


def _par_tranches(src: octets.Fichier, colonnes, par: str, valeurs: frozenset[str], suivies: tuple[str, ...],
                  aussi: Mapping[str, Collection[str]]) -> Trie | None:
    rejets: list[Rejet] = []
    try:
        if src.format == "csv":
            noms, premiere, remarques, tranches, bords = _csv(src, colonnes, rejets)
        else:
            noms, premiere, remarques, tranches, bords = _parquet(src, colonnes)
        # Ôter les espaces du bord des champs copie chaque colonne : avant le tri, celles-là seules qui le font.
        nues = {par, *suivies, *aussi} if bords else set()
        epures = ({n: _nu(a) if n in nues else a for n, a in tranche.items()} for tranche in tranches)
        return _filtrer(src, epures, noms, premiere, remarques, rejets, par, valeurs, suivies, aussi,
                        _nu if bords else lambda a: a)
    except (Doute, EntreeFautive, pa.ArrowException, OSError):
        return None


def _csv(src: octets.Fichier, colonnes, rejets: list[Rejet]):
    examen = examiner(src)
    if not examen.simple:
        raise Doute
    texte = examen.debut.decode("utf-8", errors="ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    forme = trouver_forme(texte, src.chemin.name)
    voulues = choisir(forme.noms[: forme.nommees], colonnes)
    internes = {f"c{i}": forme.noms[i] for i in voulues}

    def mal_formee(rang) -> str:
        rejets.append(rejet_de_forme(rang.number, rang.actual_columns, rang.expected_columns, rang.text))
        return "skip"

    def tranches() -> Iterator[dict[str, pa.Array]]:
        lecture, analyse, conversion = options_de_lecture(forme, list(internes), mal_formee)
        with src.ouvrir() if src.compression else pa.OSFile(str(src.chemin)) as flux, \
                pa_csv.open_csv(flux, read_options=lecture, parse_options=analyse, convert_options=conversion) as lots:
            for lot in lots:
                yield {internes[nom]: lot.column(i) for i, nom in enumerate(lot.schema.names)}

    return forme.noms[: forme.nommees], forme.ligne + 1, list(forme.remarques), tranches(), examen.bords


def _parquet(src: octets.Fichier, colonnes):
    with octets.lisible(src.chemin), src.ouvrir() as flux:
        schema = pq.ParquetFile(flux).schema_arrow
    noms, remarques = nommer(schema.names)
    lisibles = {noms[i]: schema.names[i] for i in choisir(noms, colonnes) if pa.types.is_string(schema.field(i).type)
                or pa.types.is_large_string(schema.field(i).type) or pa.types.is_integer(schema.field(i).type)}
    if {n for n in noms if colonnes(n)} - set(lisibles):
        raise Doute

    def tranches() -> Iterator[dict[str, pa.Array]]:
        with src.ouvrir() as flux:
            lots = pq.ParquetFile(flux).iter_batches(batch_size=_TRANCHE, columns=list(lisibles.values()))
            for lot in lots:
                yield {n: pc.fill_null(lot.column(lot.schema.names.index(brut)).cast(pa.large_string()), "")
                       for n, brut in lisibles.items()}

    return noms, 1, remarques, tranches(), True


_nu = pc.utf8_trim_whitespace


def _filtrer(src, tranches, noms, premiere, remarques, rejets, par, valeurs, suivies, aussi, epurer) -> Trie:
    if any(r.startswith(DEUX_FOIS) for r in remarques):
        raise Doute  # le chemin prudent les compare
    champ = pa.array(sorted(valeurs), type=pa.large_string())
    de_cote: Counter[str] = Counter()
    vus: dict[str, set[str]] = {nom: set() for nom in suivies}
    hors_tri = dict.fromkeys(aussi, 0)
    gardees: list[dict[str, pa.Array]] = []
    rangs, total = [], 0
    for tranche in tranches:
        types = pc.utf8_upper(tranche[par])
        for nom in suivies:
            vus[nom].update(pc.unique(tranche[nom]).to_pylist())
        garde = pc.is_in(types, value_set=champ)
        for paire in pc.value_counts(types.filter(pc.invert(garde))).to_pylist():
            de_cote[paire["values"]] += paire["counts"]
        for nom, voulues in aussi.items():
            ici = pc.is_in(tranche[nom], value_set=pa.array(sorted(voulues), type=tranche[nom].type))
            hors_tri[nom] += pc.sum(pc.and_not(garde, ici)).as_py() or 0
            garde = pc.and_(garde, ici)
        rangs.append(total + np.flatnonzero(garde.to_numpy(zero_copy_only=False)))
        gardees.append({nom: colonne.filter(garde) for nom, colonne in tranche.items()})
        total += len(types)
    # Une ligne vide, un en-tête répété : le chemin prudent les ôte et le dit.
    if not gardees or not total or "" in de_cote or par.upper() in de_cote:
        raise Doute
    table = pd.DataFrame({nom: pd.Series(pd.array(epurer(pa.chunked_array([t[nom] for t in gardees])), dtype="str"))
                          for nom in gardees[0]})
    lignes = np.arange(premiere, premiere + total + len(rejets))
    if rejets:
        lignes = np.setdiff1d(lignes, [r.ligne for r in rejets], assume_unique=True)
    return Trie(Brut(table, lignes[np.concatenate(rangs)], noms, rejets, remarques, src.chemin.name),
                dict(de_cote), vus, hors_tri)
