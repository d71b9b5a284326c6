"""L'entrepôt : les tables lues, gardées d'une session à l'autre dans le dossier de l'utilisateur.

Un manifeste dit quelles tables valent ; il est remplacé d'un coup, après l'écriture des tables qu'il nomme.
Un arrêt au milieu, ou deux processus ensemble, laissent donc l'état d'avant ou l'état d'après. Chaque table
est comparée à son empreinte avant d'être lue : abîmée, elle est refusée.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import json
import os
import re
import secrets
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cafdiag.donnees.reunion import CLES, reunir
from cafdiag.erreurs import DemandeFausse, DonneesAbimees, EntreeFautive, ProductionImpossible, en_clair
from cafdiag.magasin import dossier_utilisateur, ecrire_atomique

if TYPE_CHECKING:
    from cafdiag.donnees.compte_rendu import Lecture


_VERROU_ATTENTE = 120.0


def _controle(entrees: dict) -> str:
    texte = json.dumps(entrees, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(texte.encode("utf-8")).hexdigest()


def _insister(faire: Any) -> Any:
    """Windows refuse un instant de remplacer un fichier qu'un autre lit (ou de le lire pendant qu'il l'est)."""
    for pause in (0.02, 0.05, 0.1, 0.2, 0.5):
        try:
            return faire()
        except (PermissionError, ProductionImpossible) as erreur:
            refuse = erreur if isinstance(erreur, PermissionError) else erreur.__cause__
            if os.name != "nt" or not isinstance(refuse, PermissionError):
                raise
            time.sleep(pause)
    return faire()


def lire_manifeste() -> dict[str, dict]:
    """Les entrées, par nom ; un manifeste abîmé est refusé."""
    chemin = dossier_utilisateur() / "manifeste.json"
    conseil = f"supprimez {chemin}, puis réimportez ou retéléchargez vos données"
    try:
        texte = _insister(lambda: chemin.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as cause:
        raise DonneesAbimees("manifeste.json", f"illisible ({en_clair(cause)})", conseil=conseil) from cause
    try:
        contenu = json.loads(texte)
        entrees = contenu["entrees"]
        juste = contenu["format"] == 1 and contenu["controle"] == _controle(entrees)
    except (ValueError, KeyError, TypeError) as cause:
        raise DonneesAbimees("manifeste.json", "le manifeste est abîmé", conseil=conseil) from cause
    if not juste:
        raise DonneesAbimees("manifeste.json", "le manifeste a été modifié ou abîmé", conseil=conseil)
    return entrees


_LU: dict[tuple, dict[str, dict]] = {}


def manifeste_lu() -> dict[str, dict]:
    """Comme :func:`lire_manifeste`, sans relire un fichier qui n'a pas changé : un rapport le demande cent fois.

    Chaque écriture pose un fichier neuf à la place de l'ancien : son numéro, sa taille et sa date changent ensemble.
    """
    chemin = dossier_utilisateur() / "manifeste.json"
    try:
        etat = _insister(chemin.stat)
    except FileNotFoundError:
        return {}
    except OSError:
        return lire_manifeste()
    signature = (chemin, etat.st_ino, etat.st_size, etat.st_mtime_ns)
    lu = _LU.get(signature)
    if lu is None:
        lu = lire_manifeste()
        _LU.clear()
        _LU[signature] = lu
    return dict(lu)


def ecrire_manifeste(entrees: dict[str, dict]) -> None:
    """Remplace le manifeste d'un coup."""
    contenu = {"format": 1, "controle": _controle(entrees), "entrees": entrees}
    texte = json.dumps(contenu, ensure_ascii=False, indent=1, sort_keys=True)
    _insister(lambda: ecrire_atomique(dossier_utilisateur() / "manifeste.json", texte))


@contextlib.contextmanager
def seul() -> Iterator[None]:
    """Un seul processus écrit à la fois ; le système lève le verrou d'un processus tué."""
    import filelock

    try:
        dossier_utilisateur().mkdir(parents=True, exist_ok=True)
        verrou = filelock.FileLock(dossier_utilisateur() / ".verrou")
        # Se représenter souvent : un autre qui écrit sans relâche ne laisse que de courts passages.
        with verrou.acquire(timeout=_VERROU_ATTENTE, poll_interval=0.01):
            yield
    except filelock.Timeout as cause:
        raise ProductionImpossible(
            "un autre cafdiag écrit dans l'entrepôt depuis trop longtemps",
            conseil="attendez qu'il finisse, ou fermez-le",
        ) from cause
    except OSError as cause:
        raise ProductionImpossible(
            f"impossible d'écrire dans {dossier_utilisateur()} ({en_clair(cause)})",
            conseil="vérifiez vos droits, ou choisissez un dossier par la variable CAFDIAG_DONNEES",
        ) from cause


@contextlib.contextmanager
def sans_ecriture() -> Iterator[None]:
    """Lire sans qu'un autre processus remplace une table entre le manifeste et elle.

    Un dossier en lecture seule, ou un verrou trop longtemps tenu, n'empêche pas de lire.
    """
    with contextlib.ExitStack() as pile:
        if (dossier_utilisateur() / "manifeste.json").exists():
            with contextlib.suppress(ProductionImpossible):
                pile.enter_context(seul())
        yield


def balayer(entrees: dict[str, dict]) -> None:
    """Ôte les tables que le manifeste ne nomme plus, et les brouillons d'un arrêt brutal."""
    utiles = {entree["table"] for entree in entrees.values()}
    for chemin in [*(dossier_utilisateur() / "tables").glob("*"), *(dossier_utilisateur() / "tables").glob(".*")]:
        if f"tables/{chemin.name}" not in utiles:
            with contextlib.suppress(OSError):
                chemin.unlink()
    for chemin in dossier_utilisateur().glob(".manifeste.json-*"):
        with contextlib.suppress(OSError):
            chemin.unlink()


# --- Les tables ---


_RELECTURES = 3
_REJETS_GARDES = 200
_INTACTS: dict[Path, tuple[int, int, str]] = {}


def dossier() -> Path:
    """Dossier de l'entrepôt : celui de l'utilisateur (``CAFDIAG_DONNEES``, sinon celui du système)."""
    return dossier_utilisateur()


def nom_court(texte: str) -> str:
    """Un nom de fichier sûr partout.

    >>> nom_court("Crèches d'Anjou (2025).csv.gz")
    'creches_d_anjou_2025'
    """
    base = re.sub(
        r"\.(csv|txt|tsv|xls[xm]?|ods|json|geojson|parquet|zip|gz|gpkg)\b", "", Path(texte).name.lower()
    )
    base = unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", base).strip("_")[:60] or "sans_nom"


def sans_empreinte(jeu: str) -> bool:
    """Vrai pour ce qu'un partenaire a remis : son empreinte ne sort pas du poste.

    Qui connaît l'empreinte d'une table, et tout le reste de la table, retrouve une case tue en essayant ses valeurs.

    Examples
    --------
    >>> sans_empreinte("activite"), sans_empreinte("taux_couverture")
    (True, False)
    """
    return jeu in ("activite", "structures")


# --- Écrire ---


def controler(lecture: Lecture) -> None:
    """Refuse une table que l'entrepôt ne saurait pas garder (vide, clé en double, contours mal projetés).

    Raises
    ------
    EntreeFautive
        Avec tous les défauts.
    """
    defauts = _defauts(lecture)
    if defauts:
        raise EntreeFautive(Path(lecture.compte_rendu.fichier).name, defauts, conseil="rien n'a été ajouté")


def _defauts(lecture: Lecture) -> list[str]:
    table, jeu = lecture.table, lecture.jeu
    if not re.fullmatch(r"[a-z][a-z0-9_]*", jeu):
        return [f"nom de jeu « {jeu} » impossible"]
    if not len(table):
        return ["aucune ligne n'a pu être gardée"]
    defauts = []
    if not all(isinstance(c, str) and c for c in table.columns) or not table.columns.is_unique:
        return ["des colonnes sans nom ou en double"]
    if jeu in CLES and "code" not in table.columns:
        defauts.append("la colonne « code » manque")
    cle = [c for c in CLES.get(jeu, ()) if c in table.columns]
    if cle:
        repetees = table.loc[table.duplicated(cle), cle].itertuples(index=False)
        doubles = list(dict.fromkeys(" ".join(str(v) for v in ligne) for ligne in repetees))
        if doubles:
            defauts.append(f"{len(doubles)} clés en double ({', '.join(cle)}) : {', '.join(doubles[:5])}")
    if "geometry" in table.columns:
        crs = getattr(table, "crs", None)
        if crs is None or crs.to_epsg() != 4326:
            defauts.append("les contours ne sont pas en WGS84 (longitude, latitude)")
    return defauts


def _entree(lecture: Lecture, contenu: bytes, chemin: str, rang: int, origine: str) -> dict[str, Any]:
    compte = lecture.compte_rendu
    return {
        "jeu": lecture.jeu,
        "fichier": Path(compte.fichier).name,
        "origine": origine,
        "source": lecture.source,
        "millesime": lecture.millesime,
        "annees": [int(annee) for annee in lecture.annees],
        "empreinte": compte.empreinte,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rang": rang,
        "lignes": len(lecture.table),
        "colonnes": list(lecture.table.columns),
        "geo": "geometry" in lecture.table.columns,
        "table": chemin,
        "sha256": hashlib.sha256(contenu).hexdigest(),
        "octets": len(contenu),
        "compte": {
            "lues": compte.lues,
            "gardees": compte.gardees,
            "rejetees": len(compte.rejets),
            "de_cote": dict(compte.de_cote),
            "rejets": [[r.ligne, r.raison, r.valeur] for r in compte.rejets[:_REJETS_GARDES]],
            "codes_passes": dict(compte.codes_passes),
            "codes_inconnus": list(compte.codes_inconnus),
            "remarques": list(compte.remarques),
        },
    }


def jumelle(entree: dict, lecture: Lecture) -> bool:
    marque = lecture.compte_rendu.empreinte
    return bool(marque) and (entree["jeu"], entree["empreinte"]) == (lecture.jeu, marque)


def nom_entree(lecture: Lecture, nom: str | None = None) -> str:
    """Nom d'une table dans l'entrepôt : son jeu, puis le nom donné ou celui du fichier."""
    return f"{lecture.jeu}-{nom_court(nom or Path(lecture.compte_rendu.fichier).name)}"


def anterieure(une: dict[str, Any], autre: dict[str, Any]) -> bool:
    """Vrai si une entrée est une édition plus ancienne de ce que l'autre publie (même jeu, même source).

    >>> bpe = {"jeu": "structures", "source": "Insee, base permanente des équipements"}
    >>> [anterieure(bpe | {"annees": annees}, bpe | {"annees": [2025]}) for annees in ([2024], [], [2025])]
    [True, False, False]
    """
    jumelles = bool(une["source"]) and (une["jeu"], une["source"]) == (autre["jeu"], autre["source"])
    return jumelles and 0 < max(une["annees"], default=0) < max(autre["annees"], default=0)


def nom_libre(lecture: Lecture, nom: str | None, connues: dict[str, dict]) -> str:
    """Comme :func:`nom_entree` ; une édition plus ancienne se range à côté de la plus récente, non à sa place."""
    cle = nom_entree(lecture, nom)
    neuve = {"jeu": lecture.jeu, "source": lecture.source, "annees": lecture.annees}
    return f"{cle}_{max(lecture.annees)}" if cle in connues and anterieure(neuve, connues[cle]) else cle


def ajouter_lot(
    lectures: Sequence[Lecture], *, noms: Sequence[str | None] | None = None, origine: str = ""
) -> list[Path]:
    """Range plusieurs tables d'un coup : toutes, ou aucune.

    Parameters
    ----------
    lectures : sequence of Lecture
    noms : sequence of str, optional
        Nom de chacune ; par défaut, celui de son fichier. Le même nom, pour le même jeu, remplace, sauf une édition
        plus récente de la même source.
    origine : str
        Source du catalogue dont elles viennent ; vide pour un fichier apporté.

    Returns
    -------
    list of Path
        La table Parquet de chacune.

    Raises
    ------
    EntreeFautive
        Table vide, clé en double, contours mal projetés : rien n'est écrit.
    ProductionImpossible
        Dossier interdit, disque plein, verrou tenu : l'état d'avant reste.
    """
    noms = list(noms or [None] * len(lectures))
    prets: dict[str, tuple[Lecture, bytes]] = {}
    connues: dict[str, dict] = {}
    with contextlib.suppress(DonneesAbimees):  # dite plus bas, verrou tenu
        connues = entrees()
    defauts, fichiers = [], []
    for lecture, nom in zip(lectures, noms, strict=True):
        fichier = Path(lecture.compte_rendu.fichier).name
        cle = nom_libre(lecture, nom, connues)
        trouves = _defauts(lecture)
        if cle in prets:
            trouves.append("un autre fichier de cet envoi porte le même nom : renommez l'un des deux")
        if trouves:
            defauts += [f"{fichier} : {t}" if len(lectures) > 1 else t for t in trouves]
            fichiers.append(fichier)
            continue
        tampon = io.BytesIO()
        lecture.table.reset_index(drop=True).to_parquet(tampon)
        prets[cle] = (lecture, tampon.getvalue())
    if defauts:
        raise EntreeFautive(", ".join(dict.fromkeys(fichiers)), defauts, conseil="rien n'a été ajouté")
    # Chargé ici : l'explication d'une mise à jour ne sert qu'à qui range une table.
    from cafdiag.donnees.mises_a_jour import suivre

    with seul():
        rangees = lire_manifeste()
        rang = 1 + max((e["rang"] for e in rangees.values()), default=0)
        for cle, (lecture, contenu) in prets.items():
            # Le même fichier sous un autre nom : le garder compterait deux fois ses structures.
            jumeaux = [n for n, e in rangees.items() if n not in prets and jumelle(e, lecture)]
            for jumeau in jumeaux:
                del rangees[jumeau]
            # Un nom de fichier sort du poste (journal, copie d'écran) : il ne dit rien d'une table confidentielle.
            marque = secrets.token_hex(6) if sans_empreinte(lecture.jeu) else hashlib.sha256(contenu).hexdigest()[:12]
            chemin = f"tables/{cle}-{marque}.parquet"
            ecrire_atomique(dossier() / chemin, contenu)
            entree = _entree(lecture, contenu, chemin, rang, origine)
            if histoire := suivre(rangees, cle, lecture, lire_entree, entree["date"]):
                entree["mises_a_jour"] = histoire
            rangees[cle] = entree
            rang += 1
        ecrire_manifeste(rangees)
        balayer(rangees)
    return [dossier() / rangees[cle]["table"] for cle in prets]


def ajouter(lecture: Lecture, *, nom: str | None = None, origine: str = "") -> Path:
    """Range une table ; voir :func:`ajouter_lot`."""
    return ajouter_lot([lecture], noms=[nom], origine=origine)[0]


def retirer(nom: str) -> None:
    """Ôte une entrée de l'entrepôt.

    Raises
    ------
    DemandeFausse
        Aucune entrée ne porte ce nom.
    """
    with seul():
        entrees = lire_manifeste()
        if nom not in entrees:
            proches = difflib.get_close_matches(nom, entrees, n=3) or sorted(entrees)[:5]
            raise DemandeFausse(
                f"rien ne s'appelle « {nom} » dans l'entrepôt",
                conseil="essayez " + " ; ".join(proches) if proches else "l'entrepôt est vide",
            )
        del entrees[nom]
        ecrire_manifeste(entrees)
        balayer(entrees)


# --- Lire ---


def entrees() -> dict[str, dict]:
    """Le manifeste : une fiche par entrée, celle qui l'emporte en dernier.

    C'est la plus récemment ajoutée ; mais une édition plus ancienne passe derrière la plus récente de la même source,
    quel que soit le jour où on l'apporte.
    """
    rangees: list[tuple[str, dict]] = []
    lues = sorted(manifeste_lu().items(), key=lambda paire: paire[1]["rang"])
    sources = Counter((e["jeu"], e["source"]) for _, e in lues)
    for nom, entree in lues:
        ou = len(rangees)
        if sources[entree["jeu"], entree["source"]] > 1:
            ou = next((i for i, (_, autre) in enumerate(rangees) if anterieure(entree, autre)), ou)
        rangees.insert(ou, (nom, entree))
    return dict(rangees)


def etat_courant() -> tuple:
    """Ce que vaut l'entrepôt maintenant, dans l'ordre qui décide : deux états égaux donnent les mêmes tables."""
    return tuple((nom, str(entree.get("sha256", ""))) for nom, entree in entrees().items())


def lister() -> pd.DataFrame:
    """Les entrées de l'entrepôt, une par ligne."""
    return _liste(entrees())


def _liste(connues: dict[str, dict]) -> pd.DataFrame:
    colonnes = ("jeu", "fichier", "origine", "source", "millesime", "annees", "lignes", "date", "empreinte")
    lignes = []
    for nom, entree in connues.items():
        ligne = {"nom": nom} | {c: entree[c] for c in colonnes}
        ligne["annees"] = " ".join(str(annee) for annee in entree["annees"])
        ligne["empreinte"] = "" if sans_empreinte(entree["jeu"]) else ligne["empreinte"]
        compte = entree["compte"]
        ligne |= {"rejetees": compte["rejetees"], "codes_inconnus": len(compte["codes_inconnus"])}
        lignes.append(ligne)
    return pd.DataFrame(lignes, columns=["nom", *colonnes, "rejetees", "codes_inconnus"])


def defaut(entree: dict) -> str:
    """Ce qui ne va pas dans la table d'une entrée ; vide si elle est intacte."""
    chemin = dossier() / entree["table"]
    try:
        etat = chemin.stat()
        cle = (etat.st_size, etat.st_mtime_ns, entree["sha256"])
        if _INTACTS.get(chemin) == cle:
            return ""
        if etat.st_size != entree["octets"]:
            return f"{etat.st_size} octets au lieu de {entree['octets']}"
        with chemin.open("rb") as flux:
            trouve = hashlib.file_digest(flux, "sha256").hexdigest()
    except FileNotFoundError:
        return "le fichier est absent"
    except OSError as cause:
        return f"le fichier est illisible ({en_clair(cause)})"
    if trouve != entree["sha256"]:
        return "le contenu a changé depuis son ajout"
    _INTACTS[chemin] = cle
    return ""


def exiger_intact(*jeux: str) -> None:
    """Contrôle l'empreinte des tables de ces jeux, sans les lire.

    Raises
    ------
    DonneesAbimees
        Une table ne correspond plus à son empreinte.
    """
    for jeu in {e["jeu"] for e in entrees().values() if e["jeu"] in jeux and defaut(e)}:
        # Un autre processus a pu la remplacer : la lecture en juge.
        lire(jeu)


def lire_entree(nom: str, entree: dict) -> pd.DataFrame:
    """La table d'une entrée, après contrôle de son empreinte."""
    trouve = defaut(entree)
    if not trouve:
        chemin = dossier() / entree["table"]
        try:
            if entree["geo"]:
                import geopandas as gpd

                return gpd.read_parquet(chemin)
            return pd.read_parquet(chemin)
        except (OSError, ValueError) as cause:
            trouve = f"illisible ({en_clair(cause)})"
    quoi = f"de nouveau « {entree['origine'] or entree['fichier']} »"
    verbe = "téléchargez" if entree["origine"] else "importez"
    raise DonneesAbimees(
        f"{nom} (entrepôt)", trouve, conseil=f"{verbe} {quoi}, ou ôtez-la : « cafdiag donnees retirer {nom} »"
    )


def _connues(jeu: str, avec: str = "") -> dict[str, dict]:
    siennes = {
        nom: entree
        for nom, entree in entrees().items()
        if entree["jeu"] == jeu and (not avec or avec in entree["colonnes"])
    }
    if jeu in CLES:
        return siennes
    # Sans clé, rien ne se réunit : deux éditions d'une même liste compteraient deux fois leurs structures.
    return {n: e for n, e in siennes.items() if not any(anterieure(e, autre) for autre in siennes.values())}


def _lues(connues: dict[str, dict]) -> dict[str, pd.DataFrame]:
    return {nom: lire_entree(nom, entree) for nom, entree in connues.items()}


def lire(jeu: str, *, avec: str = "") -> pd.DataFrame:
    """Tout ce que l'entrepôt sait d'un jeu ; table vide s'il n'en sait rien.

    ``avec`` : des seules tables qui portent cette colonne.

    Les entrées sont réunies : sur une même clé (:data:`cafdiag.donnees.reunion.CLES`), la dernière de
    :func:`entrees` l'emporte. Le jeu ``communes`` se complète colonne par colonne ; un secret publié n'est jamais
    comblé par un autre fichier.

    Raises
    ------
    DonneesAbimees
        Une table ne correspond plus à son empreinte.
    """
    for _ in range(_RELECTURES):
        connues = _connues(jeu, avec)
        try:
            return reunir(jeu, _lues(connues))
        except DonneesAbimees:
            # Un autre processus a pu remplacer la table entre le manifeste et elle.
            if _connues(jeu, avec) == connues:
                raise
    # Il écrit plus vite qu'on ne lit : on le fait attendre.
    with sans_ecriture():
        tables = _lues(_connues(jeu, avec))
    return reunir(jeu, tables)


def etat() -> pd.DataFrame:
    """L'état de chaque entrée : intacte, ou ce qui ne va pas."""
    with sans_ecriture():
        connues = entrees()
        table = _liste(connues)
        table["etat"] = [defaut(connues[nom]) or "intacte" for nom in table["nom"]]
    return table
