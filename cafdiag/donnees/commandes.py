"""``cafdiag donnees`` : lister, télécharger, importer, vérifier, dire l'état — du terminal comme du carnet.

>>> lister()["nom"].head(2).tolist()
['txcouv_pe_nat', 'txcouv_pe_reg']
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import html
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd

from cafdiag.donnees import catalogue, entrepot
from cafdiag.donnees.catalogue import Source
from cafdiag.donnees.communes import deja_connues
from cafdiag.donnees.compte_rendu import accord
from cafdiag.donnees.mises_a_jour import plus_ancienne
from cafdiag.donnees.octets import SUFFIXES
from cafdiag.donnees.reunion import CLES
from cafdiag.donnees.telechargement import dernier_echec, en_service, lire_fiche, prendre
from cafdiag.donnees.transport import INJOIGNABLE, ReglagesDeTransport, Suivi
from cafdiag.donnees.verification import verifier
from cafdiag.erreurs import VERIFIER_CHEMIN, CafdiagError, DemandeFausse, DonneesAbimees, EntreeFautive
from cafdiag.magasin import dossier

if TYPE_CHECKING:
    from cafdiag.donnees.compte_rendu import CompteRendu, Lecture

__all__ = ["BilanDesDonnees", "etat", "importer", "lister", "telecharger", "verifier"]

REGISTRE = "registre"
_ECHECS = ("echec", "refus")
_ETRANGER = ("aucun tableau de structures", "fichier de plus de")
_DITS = {"change": "changé", "inchange": "inchangé", "importe": "importé", "controle": "contrôlé", "echec": "échec"}
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
        texte = [dire(ligne) for ligne in self.lignes]
        return "\n".join([*texte, *(compte.en_texte() for compte in self.comptes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.en_texte())}</pre>"


def dire(ligne: dict) -> str:
    """Une ligne du bilan, telle qu'elle se lit.

    >>> dire({"etat": "importe", "message": "a.csv : 1 ligne dans « communes »"})
    '[importé] a.csv : 1 ligne dans « communes »'
    """
    return f"[{_DITS.get(ligne['etat'], ligne['etat'])}] {ligne['message']}"


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
    injoignables: set[str] = set()
    for source in catalogue.choisir(sources):
        hotes = {urlsplit(a.url).netloc for a in source.adresses}
        muet = hotes <= injoignables
        # Un serveur qu'on n'a pas su joindre n'est pas attendu quatre fois pour chacun de ses fichiers.
        siens = dataclasses.replace(reglages or ReglagesDeTransport(), essais=1) if muet else reglages
        with _barre(source.nom, progression) as suivi:
            arrivee = prendre(source, reglages=siens, suivi=suivi, forcer=forcer)
        message = "".join([arrivee.message, *(f" ; {r}" for r in arrivee.remarques)])
        if arrivee.etat != "echec":
            injoignables -= hotes
        elif INJOIGNABLE in arrivee.message:
            if muet:
                message = f"{source.nom} : {', '.join(sorted(hotes))} toujours injoignable"
            injoignables |= hotes
        bilan.noter(source.nom, arrivee.etat, message, jeu=source.jeu)
        if arrivee.fiche and lire:
            if source.lecteur:
                _ranger(source, bilan, forcer)
            else:
                bilan.lignes[-1]["message"] += " ; gardée telle quelle : aucun lecteur n'en tire de chiffre"
        if annoncer:
            annoncer(dire(bilan.lignes[-1]))
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
        rangees = [lecture for lecture in lectures if lecture.utile]
        avant = entrepot.entrees()
        if rangees:
            entrepot.ajouter_lot(rangees, noms=[source.nom] * len(rangees), origine=source.nom)
    except CafdiagError as erreur:
        if ligne["etat"] != "echec":
            ligne["etat"] = "refus"
        ligne["message"] += f" ; mais lecture refusée, l'entrepôt garde ce qu'il avait : {erreur}"
        return
    bilan.comptes += [lecture.compte_rendu for lecture in lectures]
    ligne |= {"jeu": ", ".join(lue.jeu for lue in lectures), "lignes": len(lectures[0].table)}
    combien = f"{ligne['lignes']} {accord('ligne', ligne['lignes'])}"
    ligne["message"] += f" ; rangée dans l'entrepôt ({combien})" if rangees else f" ; {_NON_RANGE}"
    ligne["message"] += "".join(_anterieure(entrepot.nom_libre(lue, source.nom, avant)) for lue in rangees)


# --- Importer ---


def _fichiers(demandes: Sequence[str | Path] | str | Path) -> list[Path]:
    """Fichiers, dossiers (leurs fichiers de données) et motifs : Windows ne développe pas « *.csv »."""
    demandes = [demandes] if isinstance(demandes, (str, Path)) else list(demandes)
    # L'ancien .xls, qui ne se lit pas, est pris aussi : il est refusé avec la marche à suivre, pas oublié.
    suffixes = SUFFIXES | {".xls", ".gpkg", ".shp", ".gz", ".zip"}
    trouves: list[Path] = []
    absents = []
    for demande in demandes:
        chemin = Path(demande)
        if chemin.is_dir():
            # « ~$creches.xlsx » n'est que la marque d'un classeur ouvert ; un nom à point, un fichier du système.
            dedans = sorted(c for c in chemin.rglob("*") if c.is_file() and c.suffix.lower() in suffixes
                            and not c.name.startswith((".", "~$")))
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
            conseil=VERIFIER_CHEMIN + "".join(_modele(absent) for absent in absents),
        )
    return list(dict.fromkeys(trouves))


def _modele(absent: str) -> str:
    """Où est le modèle vierge d'un fichier que l'on n'a pas encore rempli."""
    modele = dossier("templates") / "registres" / Path(absent).name
    return f" ; le modèle à remplir est {modele}" if modele.is_file() else ""


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
    from cafdiag.donnees import ecarts, lecteurs, registres, registres_activite
    from cafdiag.donnees.registres_tableau import relire
    from cafdiag.donnees.tables_assemblees import communes

    def registre() -> list[Lecture]:
        lecture = registres.importer(
            chemin, type_structure=type_structure, confirmer=confirmer, ecarter=ecarter, annee=annee, liste=liste
        )
        if lecture.jeu == "structures" and not liste:
            lecture.compte_rendu.remarques.extend(ecarts.dire(lecture.table, communes()))
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
                # Coupé, mal formé, nominatif : c'est ce qu'il faut dire. Sinon, il n'est ni de l'un ni de l'autre.
                if not any(d.startswith(_ETRANGER) for d in refus.defauts):
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
    if annee is not None and not 1900 <= annee <= 2100:
        raise DemandeFausse(f"année : « {annee} »", attendu="une année sur quatre chiffres, comme 2024")
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
            conseil="rien n'a été ajouté ; corrigez-les, ou importez seulement les fichiers sains (--sains-seulement)",
        )
    bilan = BilanDesDonnees(comptes=[lecture.compte_rendu for _, lecture in lus])
    for chemin, lecture in lus:
        if not lecture.utile:
            message = f"{chemin.name} : {len(lecture.table)} {accord('ligne lue', len(lecture.table))} ; {_NON_RANGE}"
            bilan.noter(chemin.name, "controle", message, jeu=lecture.jeu, lignes=len(lecture.table))
    lus = [(chemin, lecture) for chemin, lecture in lus if lecture.utile]
    noms, avant = _noms(lus, nom), entrepot.entrees()
    if lus:
        entrepot.ajouter_lot([lecture for _, lecture in lus], noms=noms)
    rangees = entrepot.entrees()
    for (chemin, lecture), choisi in zip(lus, noms, strict=True):
        entree = entrepot.nom_libre(lecture, choisi, avant)
        message = f"{chemin.name} : {len(lecture.table)} {accord('ligne', len(lecture.table))} dans « {entree} »"
        # Le même fichier, sous un autre nom : l'entrepôt n'en garde qu'un.
        jumelles = [n for n in avant if n not in rangees and entrepot.jumelle(avant[n], lecture)]
        for ancienne in (n for n in (entree, *jumelles) if n in avant):
            nommee = "" if ancienne == entree else f" (« {ancienne} », le même contenu)"
            message += f", qui remplace {avant[ancienne]['fichier']}{nommee}, importé le {avant[ancienne]['date'][:10]}"
        message += _anterieure(entree)
        if lecture.jeu == "structures" and (deja := deja_connues(entree)):
            message += f" ; {deja} {accord('structure', deja)} aussi dans un autre import, pas deux fois au compte"
        bilan.noter(chemin.name, "importe", message, jeu=lecture.jeu, lignes=len(lecture.table))
    for chemin, refuse in refus.items():
        bilan.noter(chemin.name, "refus", str(refuse))
    return bilan


def _anterieure(nom: str) -> str:
    """Ce qu'il faut dire d'une table qu'on vient de ranger, si l'entrepôt a déjà une édition plus récente."""
    entrees = entrepot.entrees()
    entree = entrees[nom]
    for m in entree.get("mises_a_jour", ()):
        if m["plus_ancien"] and m["date"] == entree["date"] and m["remplacee"] in entrees:
            return f" ; {plus_ancienne(m['apres'], m['avant'], m['remplacee'])}"
    if entree["jeu"] not in CLES:
        for autre, recente in entrees.items():
            if entrepot.anterieure(entree, recente):
                return f" ; {plus_ancienne(entree['millesime'], recente['millesime'], autre)}"
    return ""


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
    lignes: list[tuple] = []
    for e in rangees.itertuples():
        echec = dernier_echec(e.origine).get("message", "") if e.origine else ""
        lignes.append((e.nom, e.jeu, e.source or e.origine, e.millesime, e.lignes, e.date[:10], e.etat, echec))
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
            date = fiche.date[:10] if fiche else ""
            lignes.append((source.nom, source.jeu, source.producteur, source.millesime, None, date, constat, echec))
    colonnes = ["nom", "jeu", "source", "millesime", "lignes", "date", "etat", "dernier_echec"]
    return pd.DataFrame(lignes, columns=colonnes).astype({"lignes": "Int64"})
