"""Une mise à jour de millésime, expliquée : chaque valeur qui change a une cause, et ce qui n'en a pas se dit.

Trois causes. **Périmètre** : la commune a fusionné ou s'est scindée, l'intercommunalité n'a plus les mêmes communes
(tables de passage du projet). **Méthode** : la source a changé de colonnes, de série ou de définition. **Donnée** :
même périmètre, même méthode, autre valeur. Le résidu, changements moins causes, est ce que rien n'explique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cafdiag.donnees.nettoyage import departement_de
from cafdiag.donnees.reunion import CLES, STATUT
from cafdiag.erreurs import DonneesAbimees
from cafdiag.geographie import autre, geographie
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import geographie_des, passages, perimetres_changes
from cafdiag.territoires.referentiel import fiches

if TYPE_CHECKING:
    from cafdiag.donnees.compte_rendu import Lecture

CAUSES = ("perimetre", "methode", "donnee")
NOMS = {"perimetre": "périmètre", "methode": "méthode", "donnee": "donnée"}
_ANNEE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_CITES = 5
_HISTOIRE = 10
# Une source qui cite presque tout un département, ou presque tous les EPCI, les énumère : un absent y est un trou.
_EXHAUSTIVE = 0.95
# Grandeurs dont la définition a changé, l'année où elle a changé, et en quoi.
_RUPTURES = (
    (r"(niveau_vie_median|taux_pauvrete)_\{a\}", "filosofi.methode", "Filosofi change de méthode en {an}"),
    (r"bpe\{a\}_(eaje|micro_creche).*", "bpe.micro_creches", "la BPE compte les micro-crèches à part depuis {an}"),
)
_ENTRE, _SORTI, _TU, _DIT = ("territoire entré dans le champ de la source", "territoire sorti du champ de la source",
                             "valeur tue par le producteur", "valeur publiée, qui ne l'était pas")
_REVISION, _NOUVELLE = "valeur révisée par le producteur", "année nouvelle"
_REUNI = "ancien code, compté dans la commune qui l'a repris"
_DISPARU = "absent du nouveau fichier, sans passage connu"
_VIDE = "valeur devenue vide, sans mention de secret"


@dataclass(frozen=True)
class Rangee:
    """Une table rangée, et ce que son compte rendu dit d'elle."""

    table: pd.DataFrame
    annees: tuple[int, ...]
    passes: frozenset[str] = frozenset()


def suivre(
    entrees: dict[str, dict], nom: str, lecture: Lecture, lire: Callable[[str, dict], pd.DataFrame], date: str
) -> list[dict[str, Any]]:
    """Les mises à jour d'une table que l'on range, de la plus ancienne à la plus récente.

    Parameters
    ----------
    entrees : dict
        Manifeste d'avant.
    nom : str
        Nom que prend la table.
    lecture : Lecture
    lire : callable
        Rend la table d'une entrée.
    date : str
        Jour de la mise à jour.

    Returns
    -------
    list of dict
        L'histoire gardée de l'entrée du même nom, puis la mise à jour d'aujourd'hui ; vide pour une première fois.
    """
    ancienne = entrees.get(nom)
    histoire = list(ancienne.get("mises_a_jour", ())) if ancienne else []
    marque = lecture.compte_rendu.empreinte
    if lecture.jeu not in CLES or (ancienne and marque and ancienne["empreinte"] == marque):
        return histoire
    candidates = [(n, e) for n, e in entrees.items() if n != nom and _meme_source(e, lecture)]
    candidates.sort(key=lambda paire: (max(paire[1]["annees"], default=0), paire[1]["rang"]), reverse=True)
    apres = Rangee(lecture.table, tuple(lecture.annees), frozenset(lecture.compte_rendu.codes_passes))
    for autre_nom, entree in [(nom, ancienne), *candidates] if ancienne else candidates:
        try:
            table = lire(autre_nom, entree)
        except DonneesAbimees:
            continue
        avant = Rangee(table, tuple(entree["annees"]), frozenset(entree["compte"]["codes_passes"]))
        trouve = comparer(lecture.jeu, avant, apres)
        if trouve:
            trouve |= {"date": date, "remplacee": autre_nom, "avant": _fiche(entree["fichier"], entree["millesime"]),
                       "apres": _fiche(lecture.compte_rendu.fichier, lecture.millesime)}
            return [*histoire, trouve][-_HISTOIRE:]
    return histoire


def _fiche(fichier: str, millesime_dit: str) -> str:
    return f"{millesime_dit or '?'} ({Path(fichier).name})"


def _meme_source(entree: dict, lecture: Lecture) -> bool:
    return entree["jeu"] == lecture.jeu and bool(lecture.source) and entree["source"] == lecture.source and (
        not lecture.compte_rendu.empreinte or entree["empreinte"] != lecture.compte_rendu.empreinte)


def comparer(jeu: str, avant: Rangee, apres: Rangee) -> dict[str, Any]:
    """Compte ce qui change d'une table à celle qui la met à jour, cause par cause.

    Une valeur change quand un territoire n'a plus la même pour la même année, ou quand la dernière année d'une
    grandeur n'est plus la même et que sa valeur diffère. Un manquant n'est égal qu'à un manquant.

    Parameters
    ----------
    jeu : str
        Table canonique.
    avant, apres : Rangee

    Returns
    -------
    dict
        ``changements``, ``causes`` (``perimetre``, ``methode``, ``donnee``), ``residu``, ``details``
        (cause, puis motif : nombre et premiers territoires), ``plus_ancien`` (vrai si la nouvelle table s'arrête
        avant l'autre) ; vide si les deux tables n'ont aucune maille ou aucune grandeur commune.

    Examples
    --------
    >>> avant = pd.DataFrame({"code": ["53084", "53130"], "naissances_2023": [9.0, 500.0]})
    >>> apres = pd.DataFrame({"code": ["53084", "53130"], "naissances_2024": [9.0, 480.0]})
    >>> trouve = comparer("communes", Rangee(avant, (2023,)), Rangee(apres, (2024,)))
    >>> trouve["changements"], trouve["causes"], trouve["residu"]
    (1, {'perimetre': 0, 'methode': 0, 'donnee': 1}, 0)
    """
    # Les quartiers ne sont pas une mise à jour des communes, fussent-ils de la même source.
    if all("maille" in e.table for e in (avant, apres)) and not {*avant.table["maille"].unique()} & {
            *apres.table["maille"].unique()}:
        return {}
    anciennes, nouvelles = _series(jeu, avant), _series(jeu, apres)
    communes = [g for g in anciennes if g in nouvelles]
    neuves = {s for g in communes for _, s in nouvelles[g]}
    # L'ancienne série de la Cnaf apportée après la courante la complète : ce n'en est pas une mise à jour.
    if not communes or ("courante" not in neuves and "courante" in {s for g in communes for _, s in anciennes[g]}):
        return {}
    juge = _Juge(jeu, avant, apres)
    for grandeur in communes:
        for (an, rang), (an_neuf, rang_neuf) in _paires(anciennes[grandeur], nouvelles[grandeur]):
            motif = _rupture(grandeur, an, an_neuf)
            if rang != rang_neuf:
                motif = "série révisée par la Cnaf"
            juge.juger(anciennes[grandeur][an, rang], nouvelles[grandeur][an_neuf, rang_neuf], motif,
                       _REVISION if an == an_neuf else f"{_NOUVELLE} ({an} → {an_neuf})")
    for grandeur in sorted(nouvelles.keys() ^ anciennes.keys()):
        publiee, mot = (nouvelles, "nouvelle") if grandeur in nouvelles else (anciennes, "retirée")
        derniere = publiee[grandeur][max(publiee[grandeur])][0]
        juge.compter("methode", f"grandeur {mot} : {grandeur.replace('{a}', '…')}", derniere.dropna().index)
    return juge.rendre() | {"plus_ancien": max(apres.annees, default=0) < max(avant.annees, default=0)}


# Grandeur → (année, série) → valeurs, mentions.
Series = dict[str, dict[tuple[int, str], tuple[pd.Series, pd.Series | None]]]


def _series(jeu: str, etat: Rangee) -> Series:
    """Grandeur → (année, série) → valeurs et mentions, par territoire (« maille code »)."""
    table, defaut = etat.table, max(etat.annees, default=0)
    maille = table["maille"] if "maille" in table else {"communes": "commune"}.get(jeu, jeu)
    territoires = maille + " " + table["code"].astype(str)
    details = [c for c in CLES[jeu] if c in table and c not in ("maille", "code", "annee", "serie")]
    par = [c for c in ("annee", "serie", *details) if c in table]
    colonnes = [c for c in table if c not in {*CLES[jeu], "geometry"} and not str(c).endswith(STATUT)]
    resultat: Series = {}
    for valeurs, lignes in table.groupby(par, sort=True, dropna=False).groups.items() if par else [((), table.index)]:
        cle = dict(zip(par, valeurs if isinstance(valeurs, tuple) else (valeurs,), strict=True))
        ici, index = table.loc[lignes], pd.Index(territoires[lignes])
        for colonne in colonnes:
            datee = _ANNEE.search(colonne)
            grandeur = " ".join([_ANNEE.sub("{a}", colonne, count=1), *(str(cle[d]) for d in details)])
            an = int(datee[0]) if datee else int(cle.get("annee", defaut))
            mention = ici.get(colonne + STATUT)
            if ici[colonne].isna().all() and (mention is None or mention.isna().all()):
                continue
            resultat.setdefault(grandeur.replace("pmun_{a}", "population_{a}"), {})[an, str(cle.get("serie", ""))] = (
                ici[colonne].set_axis(index), None if mention is None else mention.set_axis(index))
    return resultat


def _paires(anciennes: dict, nouvelles: dict) -> Iterator[tuple]:
    """Les années à comparer : chacune à elle-même, et la dernière à la nouvelle dernière."""
    for an, serie in sorted(anciennes):
        memes = [cle for cle in nouvelles if cle[0] == an]
        if memes:
            yield (an, serie), (an, serie) if (an, serie) in memes else max(memes)
    if max(nouvelles)[0] > max(anciennes)[0]:
        yield max(anciennes), max(nouvelles)


def _rupture(grandeur: str, an: int, an_neuf: int) -> str:
    for motif, nom, phrase in _RUPTURES:
        annee = millesime(nom)
        if re.fullmatch(motif, grandeur) and an < annee <= an_neuf:
            return phrase.format(an=annee)
    return ""


class _Juge:
    """Range chaque changement sous sa cause."""

    def __init__(self, jeu: str, avant: Rangee, apres: Rangee) -> None:
        self.changements = 0
        self.causes = dict.fromkeys(CAUSES, 0)
        self.details: dict[str, dict[str, list[Any]]] = {}
        self.communes = self._communes(avant, apres) if jeu != "epci" else {}
        self.epci = self._epci(jeu, avant.table, apres.table)
        self.exhaustif = self._exhaustif(jeu, avant.table)

    def _communes(self, avant: Rangee, apres: Rangee) -> dict[str, bool]:
        """Commune d'aujourd'hui que les deux fichiers ne découpent pas de même → vrai si elle s'est scindée."""
        touchees: dict[str, bool] = {}
        codes = [set(e.table["code"].unique()) for e in (avant, apres)]
        for ancien, passage in passages().items():
            # L'ensemble reste sous l'ancien code : les communes rétablies n'ont de ligne que dans l'autre fichier.
            soeurs = set(passage.codes) - {ancien}
            if passage.se_partage:
                change = soeurs.isdisjoint(codes[0]) != soeurs.isdisjoint(codes[1])
            else:
                change = ancien in avant.passes ^ apres.passes
            if change or (passage.se_partage and ancien in avant.passes ^ apres.passes):
                touchees |= {f"commune {c}": passage.se_partage or touchees.get(f"commune {c}", False)
                             for c in passage.codes}
            if change and not passage.se_partage:
                self.compter("perimetre", _REUNI, pd.Index([f"commune {ancien}"]))
        return touchees

    @staticmethod
    def _epci(jeu: str, *tables: pd.DataFrame) -> frozenset[str]:
        siens = [t["code"] if jeu == "epci" else t.loc[t["maille"].eq("epci"), "code"] if "maille" in t else []
                 for t in tables]
        un, deux = (geographie_des(codes, defaut=geographie()) for codes in siens)
        return frozenset(f"epci {code}" for code in perimetres_changes()) if un != deux else frozenset()

    @staticmethod
    def _exhaustif(jeu: str, table: pd.DataFrame) -> frozenset[str]:
        """Les groupes (département des communes, ou tous les EPCI…) que l'ancienne table énumère."""
        maille = table["maille"] if "maille" in table else pd.Series({"communes": "commune"}.get(jeu, jeu), table.index)
        complets = set()
        for nom, codes in table["code"].groupby(maille.to_numpy()):
            connus = fiches().get(nom, {})
            attendus = pd.Series([_groupe(f"{nom} {code}") for code in connus], dtype=object).value_counts()
            ici = pd.Series([_groupe(f"{nom} {code}") for code in codes.unique() if code in connus], dtype=object)
            part = ici.value_counts() / attendus
            complets |= set(part.index[part >= _EXHAUSTIVE])
        return frozenset(complets)

    def compter(self, cause: str, motif: str, territoires: pd.Index) -> None:
        """Un changement par territoire, sous cette cause ; vide : sans cause connue."""
        if len(territoires):
            self.changements += len(territoires)
            self._ranger(cause, motif, territoires)

    def _ranger(self, cause: str, motif: str, territoires: pd.Index) -> None:
        if not len(territoires):
            return
        if cause:
            self.causes[cause] += len(territoires)
        compte = self.details.setdefault(cause, {}).setdefault(motif, [0, {}])
        compte[0] += len(territoires)
        for territoire in territoires:
            if len(compte[1]) > _CITES:
                break
            compte[1][territoire.split(" ", 1)[1]] = None

    def juger(self, avant: tuple, apres: tuple, rupture: str, motif: str) -> None:
        """Compare deux colonnes, territoire par territoire : le premier motif qui convient l'emporte."""
        if avant[0].index.equals(apres[0].index):
            tous, vieux, neuf = avant[0].index, avant[0], apres[0]
            etait = est = np.ones(len(tous), dtype=bool)
        else:
            tous = avant[0].index.union(apres[0].index)
            vieux, neuf = (serie.reindex(tous) for serie in (avant[0], apres[0]))
            etait, est = (serie.index.get_indexer(tous) >= 0 for serie in (avant[0], apres[0]))
        vides = vieux.isna().to_numpy(), neuf.isna().to_numpy()
        change = _different(vieux, neuf, *vides) | ((etait != est) & ~(vides[0] & vides[1]))
        self.changements += int(change.sum())
        # La suite ne regarde que ce qui change.
        tous, etait, est = tous[change], etait[change], est[change]
        vides = vides[0][change], vides[1][change]
        mentions = [(m.reindex(tous).notna() if m is not None else pd.Series(False, tous)).to_numpy()
                    for m in (avant[1], apres[1])]
        scindees = tous.isin([c for c, partage in self.communes.items() if partage])
        fusion = tous.isin(list(self.communes)) & (vides[0] | vides[1] | mentions[0] | mentions[1])
        enumere = np.zeros(len(tous), dtype=bool)
        enumere[~est] = [_groupe(t) in self.exhaustif for t in tous[~est]]
        regles = [
            ("perimetre", f"EPCI dont le périmètre n'est pas le même en {autre(geographie())} et en {geographie()}",
             tous.isin(list(self.epci))),
            ("perimetre", "commune scindée ou fusionnée entre les deux fichiers", scindees | fusion),
            ("methode", rupture, np.full(len(tous), bool(rupture))),
            ("donnee", _ENTRE, ~etait),
            ("", _DISPARU, ~est & enumere),
            ("donnee", _SORTI, ~est),
            ("donnee", _TU, vides[1] & mentions[1]),
            ("", _VIDE, vides[1]),
            ("donnee", _DIT, vides[0]),
            ("donnee", motif, np.ones(len(tous), dtype=bool)),
        ]
        reste = np.ones(len(tous), dtype=bool)
        for cause, dit, ou in regles:
            self._ranger(cause, dit, tous[reste & ou])
            reste = reste & ~ou

    def rendre(self) -> dict[str, Any]:
        """Les comptes, prêts pour le manifeste."""
        residu = self.changements - sum(self.causes.values())
        details = {cause: {motif: [nombre, [*islice(cites, _CITES), *(["…"] if len(cites) > _CITES else [])]]
                           for motif, (nombre, cites) in motifs.items()} for cause, motifs in self.details.items()}
        return {"changements": self.changements, "causes": self.causes, "residu": residu, "details": details}


def _groupe(territoire: str) -> str:
    maille, code = territoire.split(" ", 1)
    return f"{maille} {departement_de(code)}" if maille == "commune" else maille


def _different(vieux: pd.Series, neuf: pd.Series, vide: np.ndarray, vide_neuf: np.ndarray) -> np.ndarray:
    if all(pd.api.types.is_numeric_dtype(s) for s in (vieux, neuf)):
        a, b = (s.astype("Float64").to_numpy(dtype=float, na_value=np.nan) for s in (vieux, neuf))
        egaux = a == b
    else:
        egaux = np.array([x == y for x, y in zip(vieux.astype(object), neuf.astype(object), strict=True)], dtype=object)
        egaux = pd.Series(egaux).eq(True).to_numpy()
    return ~(np.where(vide | vide_neuf, vide & vide_neuf, egaux).astype(bool))


# --- Dire ---


def phrase(mise_a_jour: dict[str, Any]) -> str:
    """Une mise à jour en une phrase : combien de changements, par cause, et ce qui reste sans cause.

    >>> print(phrase({"date": "2026-11-29", "avant": "2023 (a.csv)", "apres": "2024 (b.csv)", "changements": 1,
    ...               "causes": {"perimetre": 0, "methode": 0, "donnee": 1}, "residu": 0,
    ...               "details": {"donnee": {"valeur révisée": [1, ["53130"]]}}}))  # doctest: +NORMALIZE_WHITESPACE
    mise à jour du 2026-11-29, 2023 (a.csv) → 2024 (b.csv) : 1 changement ; donnée 1 : valeur révisée, 1 (53130) ;
    résidu nul
    """
    m = mise_a_jour
    dits = [f"mise à jour du {m['date'][:10]}, {m['avant']} → {m['apres']} : "
            f"{m['changements']} changement{'s' if m['changements'] > 1 else ''}"]
    dits += [f"{NOMS[cause]} {m['causes'][cause]} : {_motifs(m['details'][cause])}"
             for cause in CAUSES if m["causes"][cause]]
    dits.append(f"résidu {m['residu']}, sans cause connue : {_motifs(m['details'][''])}" if m["residu"]
                else "résidu nul")
    return " ; ".join(dits)


def plus_ancienne(edition: str, recente: str, nom: str) -> str:
    """Ce qu'il faut savoir d'une édition plus ancienne que celle, ``nom``, que l'entrepôt a déjà.

    >>> print(plus_ancienne("BPE 2024", "BPE 2025", "communes-bpe"))  # doctest: +NORMALIZE_WHITESPACE
    édition plus ancienne, BPE 2024 : BPE 2025, déjà là, continue de servir, et celle-ci ne donne que ce qui lui
    manque ; pour qu'elle l'emporte, « cafdiag donnees retirer communes-bpe »
    """
    return (f"édition plus ancienne, {edition} : {recente}, déjà là, continue de servir, et celle-ci ne donne que ce "
            f"qui lui manque ; pour qu'elle l'emporte, « cafdiag donnees retirer {nom} »")


def _motifs(details: dict[str, list]) -> str:
    return ", ".join(f"{motif}, {nombre} ({', '.join(cites)})"
                     for motif, (nombre, cites) in details.items())
