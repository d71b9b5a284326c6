"""``cafdiag donnees`` : lister, télécharger, importer, vérifier, dire l'état — du terminal comme du carnet.

>>> lister()["nom"].head(2).tolist()
['txcouv_pe_nat', 'txcouv_pe_reg']
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import html
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.donnees import catalogue, entrepot
from cafdiag.donnees.catalogue import Source
from cafdiag.donnees.entrepot import sans_ecriture
from cafdiag.donnees.fiches import Fiche, dernier_echec, en_service, lire_fiche
from cafdiag.donnees.mises_a_jour import phrase, plus_ancien
from cafdiag.donnees.reunion import STATUT
from cafdiag.donnees.telechargement import prendre
from cafdiag.donnees.transport import ReglagesDeTransport, Suivi
from cafdiag.erreurs import VERIFIER_CHEMIN, CafdiagError, DemandeFausse, DonneesAbimees, EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

if TYPE_CHECKING:
    from cafdiag.donnees.compte_rendu import CompteRendu, Lecture

__all__ = [
    "BilanDesDonnees",
    "etat",
    "importer",
    "lister",
    "telecharger",
    "verifier",
]


# --- Vérifier ---


GRAVITES = ("erreur", "attention", "info")
_TOLERANCE_TAUX = 0.25  # des taux publiés à 0,1 près, et leur somme
_TOLERANCE_PLACES = 3  # des places entières, leurs composantes arrondies une à une


@dataclass
class _Constats:
    lignes: list[tuple[str, str, str]] = field(default_factory=list)

    def dire(self, gravite: str, objet: str, constat: str) -> None:
        self.lignes.append((gravite, objet, constat))


def verifier() -> pd.DataFrame:
    """Ce qui a bougé ou ne va pas, du plus grave au moins grave.

    Returns
    -------
    DataFrame
        ``gravite`` (« erreur » : inutilisable ; « attention » : à regarder ; « info »), ``objet``,
        ``constat``. Vide : rien à dire.
    """
    constats = _Constats()
    fiches = _cache(constats)
    with sans_ecriture():
        try:
            entrees = entrepot.entrees()
        except DonneesAbimees as erreur:
            constats.dire("erreur", "entrepôt", str(erreur))
            return _tableau(constats)
        defauts = {nom: entrepot.defaut(entree) for nom, entree in entrees.items()}
        saines = {nom: entree for nom, entree in entrees.items() if not defauts[nom]}
        tables = {nom: entrepot.lire_entree(nom, entree) for nom, entree in saines.items()}
    for nom, entree in entrees.items():
        if defauts[nom]:
            quoi = f"table abîmée : {defauts[nom]} ; réimportez {entree['fichier']}"
            constats.dire("erreur", nom, quoi)
        _millesimes(nom, entree, fiches, constats)
        _codes(nom, entree, constats)
        _mises_a_jour(nom, entrees, constats)
    for nom, table in tables.items():
        _cog(nom, saines[nom]["jeu"], table, constats)
        _internes(nom, saines[nom]["jeu"], table, constats)
    _entre_eux({n: t for n, t in tables.items() if saines[n]["jeu"] == "communes"}, constats)
    _avec_l_embarque(tables, saines, constats)
    return _tableau(constats)


def _tableau(constats: _Constats) -> pd.DataFrame:
    table = pd.DataFrame(constats.lignes, columns=["gravite", "objet", "constat"]).astype("str")
    ordre = table["gravite"].map({g: rang for rang, g in enumerate(GRAVITES)})
    return table.loc[ordre.sort_values(kind="stable").index].reset_index(drop=True)


# --- Fichiers ---


def _cache(constats: _Constats) -> dict[str, Fiche]:
    fiches = {}
    for source in catalogue.lire_catalogue().values():
        try:
            fiche = lire_fiche(source.nom)
            en_service(source.nom)
        except DonneesAbimees as erreur:
            constats.dire("erreur", source.nom, str(erreur))
            continue
        echec = dernier_echec(source.nom)
        if echec:
            reste = f" ; la version du {fiche.date[:10]} reste en service" if fiche else ""
            constats.dire(
                "attention", source.nom, f"dernier téléchargement manqué : {echec.get('message')}{reste}"
            )
        if fiche is None:
            continue
        fiches[source.nom] = fiche
        if fiche.precedentes:
            avant = fiche.precedentes[0]
            constats.dire(
                "info",
                source.nom,
                f"le contenu a changé le {fiche.date[:10]} "
                f"(empreinte {str(avant.get('empreinte'))[:12]}… → {fiche.empreinte[:12]}…)",
            )
    return fiches


def _annee_max(texte: str) -> int | None:
    annees = [int(a) for a in re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", texte)]
    return max(annees, default=None)


def _millesimes(nom: str, entree: dict, fiches: dict[str, Fiche], constats: _Constats) -> None:
    origine = entree["origine"]
    fiche = fiches.get(origine)
    if fiche and fiche.empreinte_utile != entree["empreinte"]:
        constats.dire(
            "attention",
            nom,
            f"une version plus récente a été téléchargée le {fiche.date[:10]} sans être rangée ; "
            f"relancez « cafdiag donnees telecharger {origine} »",
        )
    connues = catalogue.lire_catalogue()
    annonce = _annee_max(connues[origine].millesime) if origine in connues else None
    derniere = max(entree["annees"], default=None) or _annee_max(entree["millesime"])
    if annonce and derniere and derniere < annonce:
        constats.dire("attention", nom, f"s'arrête à {derniere} ; le catalogue annonce {annonce}")


def _mises_a_jour(nom: str, entrees: dict, constats: _Constats) -> None:
    for mise_a_jour in entrees[nom].get("mises_a_jour", ()):
        constats.dire("attention" if mise_a_jour["residu"] else "info", nom, phrase(mise_a_jour))
        autre = mise_a_jour["remplacee"]
        # Réimporté depuis, le plus récent est repassé devant.
        if mise_a_jour["plus_ancien"] and entrees.get(autre, {"rang": 0})["rang"] <= entrees[nom]["rang"]:
            constats.dire("attention", nom, plus_ancien(mise_a_jour, remplace=autre == nom))


# --- Codes ---


def _quelques(elements: list[str], combien: int = 5) -> str:
    return ", ".join(elements[:combien]) + ("…" if len(elements) > combien else "")


def _codes(nom: str, entree: dict, constats: _Constats) -> None:
    compte = entree["compte"]
    passes, inconnus = compte["codes_passes"], compte["codes_inconnus"]
    if passes:
        exemples = _quelques([f"{a} → {b}" for a, b in sorted(passes.items())])
        constats.dire(
            "info", nom, f"{len(passes)} codes ont changé depuis le millésime du fichier : {exemples}"
        )
    if inconnus:
        constats.dire("attention", nom, f"{len(inconnus)} codes inconnus, non repris : {_quelques(inconnus)}")
    if compte["rejetees"]:
        constats.dire("info", nom, f"{compte['rejetees']} lignes rejetées sur {compte['lues']}")


def _cog(nom: str, jeu: str, table: pd.DataFrame, constats: _Constats) -> None:
    if "code" not in table:
        return
    codes = table["code"]
    if jeu != "communes":
        if "maille" not in table:
            return
        codes = codes[table["maille"] == "commune"]
    codes = codes.dropna().drop_duplicates()
    # Les pseudo-zones (XX, COM) sont gardées pour boucler les totaux : ce ne sont pas des codes périmés.
    codes = codes[codes.str.fullmatch(r"\d[\dAB]\d{3}")]
    perimes = (
        a_jour(codes).query("statut in ['passe', 'inconnu']")["code_origine"].tolist() if len(codes) else []
    )
    if perimes:
        constats.dire(
            "erreur", nom, f"{len(perimes)} codes ne sont pas au COG de référence : {_quelques(perimes)}"
        )
    if jeu == "communes":
        toutes = lire_table("communes", colonnes=["code", "type"]).query("type == 'COM'")["code"]
        manque = len(set(toutes) - set(codes))
        if manque:
            constats.dire("info", nom, f"couvre {len(toutes) - manque} communes sur {len(toutes)}")


# --- Recoupements ---


def _depasse(table: pd.DataFrame, partie: str, tout: str) -> pd.Series:
    ecart = pd.to_numeric(table[partie]) - pd.to_numeric(table[tout])
    return table.loc[(ecart > 0).fillna(False).astype(bool), "code"]


def _internes(nom: str, jeu: str, table: pd.DataFrame, constats: _Constats) -> None:
    if jeu == "communes":
        for tout in [c for c in table if re.fullmatch(r"foyers_allocataires_\d{4}", c)]:
            annee = tout[-4:]
            for partie in [c for c in table if re.fullmatch(rf"foyers_(?!allocataires)\w+_{annee}", c)]:
                codes = _depasse(table, partie, tout).astype(str).tolist()
                if codes:
                    constats.dire(
                        "attention",
                        nom,
                        f"{partie} dépasse {tout} dans {len(codes)} communes : {_quelques(codes)}",
                    )
        return
    sommes = {
        "taux_couverture": ("txcouv_eaje", ("txcouv_eaje_psu", "txcouv_eaje_hors_psu"), _TOLERANCE_TAUX),
        "places": ("places_eaje", ("places_eaje_psu", "places_eaje_hors_psu"), _TOLERANCE_PLACES),
    }
    if jeu in sommes:
        tout, parties, tolerance = sommes[jeu]
        if {tout, *parties} <= set(table.columns):
            # min_count : une composante manquante ne vaut pas zéro.
            somme = table[list(parties)].apply(pd.to_numeric).sum(axis=1, min_count=len(parties))
            ecart = (somme - pd.to_numeric(table[tout])).abs()
            nombre = int((ecart > tolerance).sum())
            if nombre:
                constats.dire(
                    "info",
                    nom,
                    f"{tout} s'écarte de la somme de ses parts dans {nombre} lignes "
                    f"(jusqu'à {ecart.max():.1f}) : le total publié fait foi".replace(".", ","),
                )


def _entre_eux(tables: dict[str, pd.DataFrame], constats: _Constats) -> None:
    """Deux fichiers qui disent la même grandeur : disent-ils la même chose ?"""
    for (un, table), (deux, autre) in itertools.combinations(tables.items(), 2):
        communes = [
            c for c in table.columns.intersection(autre.columns) if c != "code" and not c.endswith(STATUT)
        ]
        if not communes:
            continue
        reunie = table[["code", *communes]].merge(
            autre[["code", *communes]], on="code", suffixes=("", "__autre")
        )
        for colonne in communes:
            a, b = reunie[colonne], reunie[f"{colonne}__autre"]
            differe = (a.notna() & b.notna() & (a.astype(object) != b.astype(object))).astype(bool)
            if differe.any():
                codes = reunie.loc[differe, "code"].astype(str).tolist()
                constats.dire(
                    "attention",
                    f"{un} et {deux}",
                    f"{colonne} diffère dans {len(codes)} communes sur {len(reunie)} ({_quelques(codes)}) ; "
                    f"{deux}, plus récente, l'emporte",
                )


def _avec_l_embarque(tables: dict[str, pd.DataFrame], entrees: dict, constats: _Constats) -> None:
    """Les mêmes chiffres sont aussi dans cafdiag : un écart est une révision du producteur, ou une erreur."""
    cle = ["maille", "code", "annee"]
    for nom, table in tables.items():
        if entrees[nom]["jeu"] == "taux_couverture" and {*cle, "txcouv"} <= set(table.columns):
            courante = table.query("serie == 'courante'") if "serie" in table else table
            embarquee = lire_table("taux_couverture", colonnes=[*cle, "txcouv"])
            reunie = courante[[*cle, "txcouv"]].merge(embarquee, on=cle, suffixes=("", "_ici"))
            ecart = (pd.to_numeric(reunie["txcouv"]) - reunie["txcouv_ici"]).abs()
            if int((ecart > 0.05).sum()):
                zones = reunie.loc[ecart > 0.05, "code"].astype(str).tolist()
                constats.dire(
                    "attention",
                    nom,
                    f"{len(zones)} taux sur {len(reunie)} diffèrent de la table embarquée : "
                    f"{_quelques(zones)}",
                )
        if entrees[nom]["jeu"] != "communes":
            continue
        reference = lire_table("communes")
        for colonne in [c for c in table if re.fullmatch(r"population_\d{4}", c) and c in reference]:
            reunie = table[["code", colonne]].merge(
                reference[["code", colonne]], on="code", suffixes=("", "_ici")
            )
            differe = (reunie[colonne] != reunie[f"{colonne}_ici"]).fillna(False).astype(bool)
            codes = reunie.loc[differe, "code"].astype(str).tolist()
            if codes:
                constats.dire(
                    "attention",
                    nom,
                    f"{colonne} diffère de la table embarquée dans {len(codes)} communes : {_quelques(codes)}",
                )


# --- Lister ---


REGISTRE = "registre"
_ECHECS = ("echec", "refus")
# Lus pour être confrontés à ce qui est embarqué, ou pour dire qu'ils sont sains ; aucun calcul ne les relirait.
CONTROLES = ("appartenance", "contours", "drees_departements", "passage")
_NON_RANGE = "contrôlé, pas rangé : aucun calcul ne s'en sert"


@dataclass
class BilanDesDonnees:
    """Ce qui s'est passé, une ligne par source ou par fichier.

    Attributes
    ----------
    lignes : list of dict
        ``nom``, ``jeu``, ``lignes``, ``message``, et ``etat`` : nouveau, change, inchange, importe, controle, echec,
        refus.
    comptes : list of CompteRendu
        Le compte de chaque lecture.
    """

    lignes: list[dict] = field(default_factory=list)
    comptes: list[CompteRendu] = field(default_factory=list)

    def noter(self, nom: str, etat: str, message: str, *, jeu: str = "", lignes: int | None = None) -> None:
        """Ajoute une ligne au bilan."""
        self.lignes.append({"nom": nom, "etat": etat, "jeu": jeu, "lignes": lignes, "message": message})

    @property
    def table(self) -> pd.DataFrame:
        """Le bilan en tableau."""
        table = pd.DataFrame(self.lignes, columns=["nom", "etat", "jeu", "lignes", "message"])
        return table.astype({"lignes": "Int64"})

    @property
    def reussi(self) -> bool:
        """Vrai si rien n'a échoué."""
        return not any(ligne["etat"] in _ECHECS for ligne in self.lignes)

    def en_texte(self) -> str:
        """Le bilan, puis les comptes rendus, pour un terminal."""
        texte = [f"[{ligne['etat']}] {ligne['message']}" for ligne in self.lignes]
        return "\n".join([*texte, *(compte.en_texte() for compte in self.comptes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.en_texte())}</pre>"


def lister() -> pd.DataFrame:
    """Le catalogue, et pour chaque source si elle a été prise et si elle est dans l'entrepôt.

    Returns
    -------
    DataFrame
        Colonnes du catalogue, puis ``prise_le`` et ``importee_le`` (vides si jamais).
    """
    table = catalogue.sources()
    importees: dict[str, str] = {}
    with contextlib.suppress(DonneesAbimees):
        importees = {e["origine"]: e["date"][:10] for e in entrepot.entrees().values() if e["origine"]}
    prises = {}
    for nom in table["nom"]:
        with contextlib.suppress(DonneesAbimees):
            fiche = lire_fiche(nom)
            prises[nom] = fiche.date[:10] if fiche else ""
    table["prise_le"] = [prises.get(nom, "") for nom in table["nom"]]
    table["importee_le"] = [importees.get(nom, "") for nom in table["nom"]]
    return table


# --- Télécharger ---


@contextlib.contextmanager
def _barre(nom: str, montrer: bool | Suivi | None) -> Iterator[Suivi | None]:
    """Une barre qui avance, au terminal ou dans un carnet ; rien si la sortie est redirigée."""
    if callable(montrer):
        yield montrer
        return
    carnet = "ipykernel" in sys.modules
    if montrer is False or (montrer is None and not carnet and not sys.stderr.isatty()):
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=nom, unit="o", unit_scale=True, file=sys.stderr, leave=False) as barre:

        def suivre(recus: int, total: int | None) -> None:
            barre.total = total
            barre.update(recus - barre.n)

        yield suivre


def telecharger(
    sources: Sequence[str] | str | None = None,
    *,
    lire: bool = True,
    forcer: bool = False,
    reglages: ReglagesDeTransport | None = None,
    progression: bool | Suivi | None = None,
    annoncer: Callable[[str], None] | None = None,
) -> BilanDesDonnees:
    """Prend la dernière version des sources, puis la range dans l'entrepôt.

    Un échec n'arrête pas les autres, et laisse l'ancienne version en service.

    Parameters
    ----------
    sources : sequence of str, optional
        Noms ou motifs (``txcouv_pe_*``), ``tout`` ; par défaut, celles que le catalogue prend d'office.
    lire : bool
        Lire et ranger ce qui arrive ; sinon, le fichier reste dans le cache.
    forcer : bool
        Tout reprendre et tout relire, même inchangé.
    reglages : ReglagesDeTransport, optional
        Délais, essais, tailles.
    progression : bool or callable, optional
        Montrer une barre ; par défaut, au terminal et dans un carnet. Un ``suivi(octets_recus, octets_annonces)``
        la remplace.
    annoncer : callable, optional
        Reçoit une phrase après chaque source.

    Returns
    -------
    BilanDesDonnees

    Raises
    ------
    DemandeFausse
        Source inconnue : rien n'est pris.
    """
    bilan = BilanDesDonnees()
    for source in catalogue.choisir(sources):
        with _barre(source.nom, progression) as suivi:
            arrivee = prendre(source, reglages=reglages, suivi=suivi, forcer=forcer)
        message = "".join([arrivee.message, *(f" ; {r}" for r in arrivee.remarques)])
        bilan.noter(source.nom, arrivee.etat, message, jeu=source.jeu)
        if arrivee.fiche and lire and source.lecteur:
            _ranger(source, bilan, forcer)
        if annoncer:
            annoncer(f"[{bilan.lignes[-1]['etat']}] {bilan.lignes[-1]['message']}")
    return bilan


def _ranger(source: Source, bilan: BilanDesDonnees, forcer: bool) -> None:
    """Lit la version en service d'une source et la range, si elle ne l'est pas déjà."""
    ligne = bilan.lignes[-1]
    try:
        chemin, fiche = en_service(source.nom), lire_fiche(source.nom)
        if chemin is None or fiche is None:
            return
        deja = {e["empreinte"] for e in entrepot.entrees().values() if e["origine"] == source.nom}
        if fiche.empreinte_utile in deja and not forcer:
            return
        lectures = _lire(chemin)
        rangees = [lecture for lecture in lectures if lecture.jeu not in CONTROLES]
        if rangees:
            entrepot.ajouter_lot(rangees, noms=[source.nom] * len(rangees), origine=source.nom)
    except CafdiagError as erreur:
        if ligne["etat"] != "echec":
            ligne["etat"] = "refus"
        ligne["message"] += f" ; mais lecture refusée, l'entrepôt garde ce qu'il avait : {erreur}"
        return
    bilan.comptes += [lecture.compte_rendu for lecture in lectures]
    ligne |= {"jeu": ", ".join(lue.jeu for lue in lectures), "lignes": len(lectures[0].table)}
    ligne["message"] += f" ; rangée dans l'entrepôt ({ligne['lignes']} lignes)" if rangees else f" ; {_NON_RANGE}"


# --- Importer ---


def _fichiers(demandes: Sequence[str | Path] | str | Path) -> list[Path]:
    """Fichiers, dossiers (leurs fichiers de données) et motifs : Windows ne développe pas « *.csv »."""
    demandes = [demandes] if isinstance(demandes, (str, Path)) else list(demandes)
    suffixes = {".csv", ".tsv", ".txt", ".xlsx", ".ods", ".json", ".geojson", ".parquet", ".gz", ".zip"}
    trouves: list[Path] = []
    absents = []
    for demande in demandes:
        chemin = Path(demande)
        if chemin.is_dir():
            dedans = sorted(c for c in chemin.rglob("*") if c.is_file() and c.suffix.lower() in suffixes)
            trouves += dedans
            if not dedans:
                absents.append(f"{chemin} (dossier sans fichier de données)")
        elif chemin.is_file():
            trouves.append(chemin)
        else:
            motif = sorted(Path(c) for c in glob.glob(str(demande)) if Path(c).is_file())
            trouves += motif
            if not motif:
                absents.append(str(demande))
    if absents or not trouves:
        raise DemandeFausse(
            "fichiers introuvables : " + ", ".join(absents) if absents else "aucun fichier donné",
            conseil=VERIFIER_CHEMIN,
        )
    return list(dict.fromkeys(trouves))


def _lire(
    chemin: Path,
    *,
    lecteur: str | None = None,
    annee: int | None = None,
    type_structure: str = "",
    confirmer: bool = False,
    ecarter: bool = False,
) -> list[Lecture]:
    """Les tables d'un fichier : jeu officiel reconnu à ses colonnes, sinon registre de structures."""
    from cafdiag.donnees import lecteurs, registres, registres_activite
    from cafdiag.donnees.registres_tableau import relire

    def registre() -> list[Lecture]:
        lecture = registres.importer(
            chemin, type_structure=type_structure, confirmer=confirmer, ecarter=ecarter, annee=annee, liste=liste
        )
        return [lecture]

    liste = False
    if lecteur == REGISTRE:
        return registre()
    if type_structure:
        # Une liste publique dont l'utilisateur dit le type reste une liste publique.
        with contextlib.suppress(EntreeFautive):
            liste = lecteur is None and lecteurs.reconnaitre(chemin) == "structures"
        return registre()
    if lecteur is None:
        try:
            lecteur, feuille = lecteurs.reconnaitre_feuille(chemin)
        except EntreeFautive as inconnu:
            if registres_activite.reconnait(chemin) or relire(chemin):
                return registre()
            try:
                registres.proposer(chemin)
            except EntreeFautive as refus:
                if "nominative" in refus.attendu:
                    raise
                raise inconnu from refus
            return registre()
        lectures = [lecteurs.lire(chemin, lecteur=lecteur, feuille=feuille, annee=annee)]
    else:
        lectures = [lecteurs.lire(chemin, lecteur=lecteur, annee=annee)]
    for autre in catalogue.complements(lecteur):
        try:
            if not lecteurs.feuille_de(chemin, autre)[1]:
                continue
            lue = lecteurs.lire(chemin, lecteur=autre, annee=annee)
            if lue.jeu == lectures[0].jeu:
                lectures[0] = _reunir(lectures[0], lue)
            elif len(lue.table):  # un fichier sans ce complément (aucun EPCI) n'en a pas à ranger
                lectures.append(lue)
        except CafdiagError as refus:
            lectures[0].compte_rendu.remarques.append(f"lecture complémentaire impossible : {refus}")
    return lectures


def _reunir(principale: Lecture, autre: Lecture) -> Lecture:
    """Deux lectures d'un même fichier pour le même jeu : les colonnes de l'une, puis celles de l'autre."""
    neuves = ["code", *(c for c in autre.table if c not in principale.table)]
    compte = principale.compte_rendu
    compte.remarques.append(f"lu aussi : {', '.join(c for c in neuves if c != 'code' and not c.endswith('__statut'))}")
    compte.remarques += [r for r in autre.compte_rendu.remarques if r not in compte.remarques]
    if autre.compte_rendu.rejets:
        compte.remarques.append(f"{len(autre.compte_rendu.rejets)} ligne(s) n'ont pas donné ces colonnes : "
                                + ", ".join(autre.compte_rendu.raisons()))
    return dataclasses.replace(
        principale,
        table=principale.table.merge(autre.table[neuves], on="code", how="outer"),
        annees=tuple(sorted({*principale.annees, *autre.annees})),
        source=f"{principale.source} ; {autre.source}",
        millesime=f"{principale.millesime} ; {autre.millesime}",
    )


def _noms(lus: list[tuple[Path, Lecture]], nom: str | None) -> list[str]:
    """Un nom par table ; deux fichiers homonymes de dossiers différents prennent celui de leur dossier."""
    bruts = [nom or chemin.name for chemin, _ in lus]
    combien = Counter(entrepot.nom_entree(lu, brut) for (_, lu), brut in zip(lus, bruts, strict=True))
    return [
        f"{chemin.parent.name} {brut}" if combien[entrepot.nom_entree(lu, brut)] > 1 else brut
        for (chemin, lu), brut in zip(lus, bruts, strict=True)
    ]


def importer(
    fichiers: Sequence[str | Path] | str | Path,
    *,
    lecteur: str | None = None,
    annee: int | None = None,
    nom: str | None = None,
    type_structure: str = "",
    confirmer: bool = False,
    ecarter: bool = False,
    sains_seulement: bool = False,
) -> BilanDesDonnees:
    """Lit des fichiers et les range dans l'entrepôt : tous, ou aucun.

    Parameters
    ----------
    fichiers : path or sequence of path
        Fichiers, dossiers ou motifs (``exports/*.csv``).
    lecteur : str, optional
        Nom du lecteur, pour ne pas laisser deviner ; ``registre`` pour un registre de structures.
    annee : int, optional
        Année des chiffres, quand rien dans le fichier ne la dit.
    nom : str, optional
        Nom dans l'entrepôt ; par défaut, celui du fichier. Le même nom remplace.
    type_structure, confirmer, ecarter
        Pour un registre, voir :func:`cafdiag.donnees.registres.importer`.
    sains_seulement : bool
        Importe les fichiers sains même si d'autres sont refusés ; le bilan dit lesquels.

    Returns
    -------
    BilanDesDonnees

    Raises
    ------
    EntreeFautive
        Un fichier au moins est refusé, avec tous les défauts de tous : rien n'est ajouté.
    DemandeFausse
        Fichier introuvable, lecteur inconnu.
    """
    chemins = _fichiers(fichiers)
    if nom and len(chemins) > 1:
        raise DemandeFausse(
            "un seul nom pour plusieurs fichiers", conseil="importez-les un par un, ou sans nom"
        )
    lus: list[tuple[Path, Lecture]] = []
    refus: dict[Path, EntreeFautive] = {}
    for chemin in chemins:
        try:
            lectures = _lire(
                chemin,
                lecteur=lecteur,
                annee=annee,
                type_structure=type_structure,
                confirmer=confirmer,
                ecarter=ecarter,
            )
            for lecture in lectures:
                entrepot.controler(lecture)
            lus += [(chemin, lecture) for lecture in lectures]
        except EntreeFautive as erreur:
            refus[chemin] = erreur
    if refus and not sains_seulement:
        if len(chemins) == 1:
            raise next(iter(refus.values()))
        raise EntreeFautive(
            f"{len(refus)} fichier(s) refusé(s) sur {len(chemins)}",
            [str(erreur) for erreur in refus.values()],
            conseil="rien n'a été ajouté ; corrigez-les, ou importez seulement les fichiers sains",
        )
    bilan = BilanDesDonnees(comptes=[lecture.compte_rendu for _, lecture in lus])
    for chemin, lecture in lus:
        if lecture.jeu in CONTROLES:
            message = f"{chemin.name} : {len(lecture.table)} lignes lues ; {_NON_RANGE}"
            bilan.noter(chemin.name, "controle", message, jeu=lecture.jeu, lignes=len(lecture.table))
    lus = [(chemin, lecture) for chemin, lecture in lus if lecture.jeu not in CONTROLES]
    noms, avant = _noms(lus, nom), entrepot.entrees()
    if lus:
        entrepot.ajouter_lot([lecture for _, lecture in lus], noms=noms)
    for (chemin, lecture), choisi in zip(lus, noms, strict=True):
        entree = entrepot.nom_entree(lecture, choisi)
        message = f"{chemin.name} : {len(lecture.table)} lignes dans « {entree} »"
        if entree in avant:
            message += f", qui remplace {avant[entree]['fichier']} du {avant[entree]['date'][:10]}"
        message += "".join(f" ; {dit}" for dit in _plus_ancien(entree))
        bilan.noter(chemin.name, "importe", message, jeu=lecture.jeu, lignes=len(lecture.table))
    for chemin, refuse in refus.items():
        bilan.noter(chemin.name, "refus", str(refuse))
    return bilan


def _plus_ancien(nom: str) -> list[str]:
    """Ce que l'import d'un fichier plus ancien que ce qui est rangé doit dire tout de suite."""
    entree = entrepot.entrees()[nom]
    return [plus_ancien(m, remplace=m["remplacee"] == nom) for m in entree.get("mises_a_jour", ())
            if m["plus_ancien"] and m["date"] == entree["date"]]


# --- État ---


def etat() -> pd.DataFrame:
    """Ce que l'entrepôt contient, et ce qui a été téléchargé sans y être.

    Returns
    -------
    DataFrame
        ``nom, jeu, source, millesime, lignes, date, etat, dernier_echec`` ; ``etat`` vaut « intacte »,
        « téléchargée, non rangée », ou dit ce qui ne va pas.
    """
    rangees = entrepot.etat()
    lignes = [
        {
            "nom": e.nom,
            "jeu": e.jeu,
            "source": e.source or e.origine,
            "millesime": e.millesime,
            "lignes": e.lignes,
            "date": e.date[:10],
            "etat": e.etat,
            "dernier_echec": dernier_echec(e.origine).get("message", "") if e.origine else "",
        }
        for e in rangees.itertuples()
    ]
    connues = set(rangees["origine"])
    for source in catalogue.lire_catalogue().values():
        if source.nom in connues:
            continue
        echec = dernier_echec(source.nom).get("message", "")
        try:
            fiche = lire_fiche(source.nom)
            en_service(source.nom)
            constat = "téléchargée, non rangée" if fiche else "jamais téléchargée"
        except DonneesAbimees as erreur:
            fiche, constat = None, erreur.trouve
        if fiche or echec or constat != "jamais téléchargée":
            lignes.append(
                {
                    "nom": source.nom,
                    "jeu": source.jeu,
                    "source": source.producteur,
                    "millesime": source.millesime,
                    "lignes": None,
                    "date": fiche.date[:10] if fiche else "",
                    "etat": constat,
                    "dernier_echec": echec,
                }
            )
    colonnes = ["nom", "jeu", "source", "millesime", "lignes", "date", "etat", "dernier_echec"]
    return pd.DataFrame(lignes, columns=colonnes).astype({"lignes": "Int64"})
