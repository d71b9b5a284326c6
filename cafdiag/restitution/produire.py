"""Produire un diagnostic : exécuter le carnet modèle, en tirer le rapport et les mesures.

Rien n'est écrit dans le dossier de sortie avant que tout soit prêt ; chaque fichier y arrive d'un coup.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cafdiag import erreurs
from cafdiag.erreurs import DemandeFausse, ProductionImpossible, en_clair, tout_lire
from cafdiag.magasin import dossier, ecrire_atomique, ecrire_ensemble
from cafdiag.restitution import jointes, livrables, processus
from cafdiag.restitution.archives import place_libre
from cafdiag.restitution.demande import controler, refuser_parametres
from cafdiag.restitution.document import Document
from cafdiag.restitution.identite import Identite, chercher, lire_identite
from cafdiag.restitution.processus import FAIT, Limites, Travail
from cafdiag.restitution.redacteurs import rediger
from cafdiag.restitution.rendu_html import gabarit_abime
from cafdiag.territoires import Territoire, territoire

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from cafdiag.indicateurs.actions import Action

FORMATS_PAR_DEFAUT = ("html", "ipynb")
FORMATS = livrables.FORMATS
GABARIT = "diagnostic_ctg.ipynb"


def diagnostic(
    cible: Territoire | str,
    *,
    sortie: str | Path = "sorties",
    formats: str | tuple = FORMATS_PAR_DEFAUT,
    nom_usage: str = "",
    annee: int | None = None,
    parametres: dict[str, str] | None = None,
    identite: str | Path = "",
    modele: str | Path = "",
    actions: str | Path = "",
    delai: int = 300,
    annoncer: Callable[[str], object] | None = None,
) -> dict[str, Path]:
    """Produit le diagnostic d'un territoire.

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    sortie : path
        Dossier où écrire ``diagnostic-<code>.html``, ``.ipynb``…, et ``mesures-<code>.csv``.
    formats : str or sequence of str
        Parmi ``html``, ``ipynb``, ``xlsx``, ``docx``, ``pdf``, ``note``, ``pptx``, ``fiches``, ``gpkg``,
        ``geojson`` ; ``"html,docx"`` accepté.
    nom_usage : str
        Titre du rapport, si le nom officiel ne convient pas.
    annee : int, optional
        Année des données ; la dernière par défaut.
    parametres : dict, optional
        Autres paramètres du carnet (``qpv``, ``registre``, ``registre_complet``). Un nom inconnu est refusé,
        comme ``code``, ``nom_usage`` et ``annee`` qui ont leur propre argument.
    identite : path
        Fichier d'identité de la note et des diapositives ; par défaut, l'``identite.toml`` de ``sortie``, ou du
        dossier courant.
    modele : path
        Modèle PowerPoint (``.pptx``, ``.potx``) des diapositives ; par défaut, le nôtre.
    actions : path
        Le tableau des actions rempli : une fiche par action ; par défaut, une par enjeu.
    delai : int
        Secondes accordées à chaque cellule.
    annoncer : callable, optional
        Reçoit ce que les sources en ligne ajouteraient au rapport, en une phrase, s'il y en a.

    Returns
    -------
    dict of str to Path
        Chemins écrits, par format, ``mesures``, et ``bordereau`` : ``a-apporter-<code>.xlsx``, pour le chargé.

    Warns
    -----
    DocxRetouche
        Le docx, le pptx ou le bordereau déjà là a été retouché : il est gardé, le nouveau s'appelle
        ``diagnostic-<code> (2).docx``.

    Raises
    ------
    DemandeFausse
        Format ou paramètre inconnu, territoire introuvable, année sans aucun chiffre.
    EntreeFautive
        Fichier apporté, ou d'identité, absent ou fautif.
    ProductionImpossible
        Dossier interdit, gabarit absent ou abîmé, carnet en erreur (gardé sous ``echecs/``) : rien n'est
        écrit à moitié.
    """
    commande = preparer(
        cible,
        formats=formats,
        nom_usage=nom_usage,
        annee=annee,
        parametres=parametres,
        identite=trouver_identite(formats, identite, sortie),
        modele=modele,
        actions=actions,
        delai=delai,
    )
    controler(commande.cible, commande.parametres)
    if "html" in commande.formats:
        # Un gabarit abîmé se dit avant le calcul, pas après.
        rediger(Document("", ""), "html")
    sortie = Path(sortie)
    verifier_dossier(sortie)
    carnet = _executer(
        commande.gabarit, commande.parametres, sortie=sortie, suffixe=commande.suffixe, delai=delai
    )
    from cafdiag.restitution.bordereau import promesse

    mesures = livrables.Matiere(carnet).mesures
    chemins = ranger(sortie, contenus(carnet, commande) | {"bordereau": _bordereau(mesures, commande)})
    if annoncer is not None and (dite := promesse(mesures)):
        annoncer(dite)
    return chemins


def _bordereau(mesures: pd.DataFrame, commande: Commande) -> tuple[str, bytes]:
    """Ce que le chargé doit apporter : à part, pour que le rapport se remette tel quel."""
    from cafdiag.restitution.bordereau import bordereau

    octets = bordereau(mesures, commande.cible, titre=commande.parametres.get("nom_usage", ""))
    return f"a-apporter-{commande.suffixe}.xlsx", octets


@dataclass(frozen=True)
class Commande:
    """Un diagnostic demandé, noms et valeurs vérifiés, prêt à être exécuté ici ou ailleurs.

    Attributes
    ----------
    cible : Territoire
    formats : tuple of str
    parametres : dict of str
        Paramètres du carnet ; les fichiers apportés y sont en chemins absolus.
    gabarit : Path
    delai : int
        Secondes accordées à chaque cellule.
    identite : Identite
        De qui remet la note et les diapositives.
    modele : bytes
        Le modèle des diapositives ; vide : le nôtre.
    actions : tuple of Action
        Celles de l'usager, pour les fiches.
    """

    cible: Territoire
    formats: tuple[str, ...]
    parametres: dict[str, str]
    gabarit: Path
    delai: int
    identite: Identite = field(default_factory=Identite)
    modele: bytes = b""
    actions: tuple[Action, ...] = ()

    @property
    def suffixe(self) -> str:
        """Ce qui distingue les fichiers : le code ; la région 52 et le département 52 ont le même."""
        code = self.cible.code
        return code if self.cible.maille != "region" else f"region-{code}"

    def pour(self, cible: Territoire, *, nom_usage: str = "") -> Commande:
        """La même demande pour un autre territoire.

        Examples
        --------
        >>> preparer("200048551").pour(territoire("244900015")).parametres["code"]
        '244900015'
        """
        propre = nom_usage or (cible.nom if cible.maille == "perimetre" else "")
        return replace(
            self, cible=cible, parametres=self.parametres | {"code": cible.cle, "nom_usage": propre}
        )


def preparer(
    cible: Territoire | str,
    *,
    formats: str | tuple = FORMATS_PAR_DEFAUT,
    nom_usage: str = "",
    annee: int | None = None,
    parametres: dict[str, str] | None = None,
    identite: str | Path | None = None,
    modele: str | Path = "",
    actions: str | Path = "",
    delai: int = 300,
) -> Commande:
    """Vérifie les noms d'une demande (territoire, formats, paramètres) ; lit l'identité, le modèle, les actions.

    Raises
    ------
    DemandeFausse
        Format ou paramètre inconnu, territoire introuvable, modèle ou actions que rien de demandé n'emploie.
    EntreeFautive
        Fichier d'identité, modèle ou tableau des actions absent ou fautif.
    ProductionImpossible
        Gabarit absent ou abîmé.

    Examples
    --------
    >>> preparer("200048551", formats="html").formats
    ('html',)
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    voulus = formats_voulus(formats)
    valeurs = {"code": cible.cle, "nom_usage": str(nom_usage), "annee": "" if annee is None else str(annee)}
    if cible.maille == "perimetre":
        valeurs["nom_usage"] = valeurs["nom_usage"] or cible.nom
    autres = {n: str(v) for n, v in (parametres or {}).items()}
    gabarit = dossier("templates") / GABARIT
    refuser_parametres(autres, list(parametres_du_carnet(gabarit)))
    _refuser_sans_format(voulus, {"pptx": ("--modele", modele), "fiches": ("--actions", actions)})
    lus = tout_lire(
        lambda: lire_identite(identite) if identite else Identite(),
        lambda: _lire_modele(modele),
        lambda: _lire_actions(actions),
    )
    return Commande(cible, tuple(voulus), _absolus(valeurs | autres), gabarit, delai, *lus)


def _refuser_sans_format(formats: list[str], fichiers: dict[str, tuple[str, str | Path]]) -> None:
    """Un fichier que rien de demandé n'emploie : la demande est incomplète."""
    for format_, (option, fichier) in fichiers.items():
        if fichier and format_ not in formats:
            raise DemandeFausse(
                f"{option} sans le format qui l'emploie",
                attendu=f"--formats {format_}",
                conseil=f"ajoutez {format_} à --formats",
            )


def _lire_modele(fichier: str | Path) -> bytes:
    if not fichier:
        return b""
    from cafdiag.restitution.modele_pptx import lire_modele

    return lire_modele(fichier)


def _lire_actions(fichier: str | Path) -> tuple[Action, ...]:
    if not fichier:
        return ()
    from cafdiag.indicateurs.actions import lire_actions

    return lire_actions(fichier)


def trouver_identite(formats: str | tuple, identite: str | Path, sortie: str | Path) -> Path | None:
    """Le fichier d'identité d'un document qui la porte : celui qu'on nomme, sinon celui de la sortie ou d'ici.

    Raises
    ------
    DemandeFausse
        Une identité donnée sans demander de document qui la porte : elle ne servirait à rien.
    """
    demandee = bool(set(livrables.SIGNES) & set(formats_voulus(formats)))
    if identite and not demandee:
        raise DemandeFausse(
            "--identite sans document qui la porte",
            attendu=f"--formats {' ou '.join(livrables.SIGNES)}",
            conseil="ajoutez note à --formats",
        )
    return Path(identite) if identite else chercher(Path(sortie), Path()) if demandee else None


def contenus(carnet, commande: Commande) -> dict[str, tuple[str, str | bytes]]:
    """Les fichiers d'un carnet exécuté : par format, leur nom et leur contenu ; rien n'est écrit."""
    matiere = livrables.Matiere(carnet, commande.identite, commande.modele, commande.actions)
    rendus = livrables.rendre(commande.formats, matiere)
    fichiers = {f: (livrables.NOMS[f].format(commande.suffixe), contenu) for f, contenu in rendus.items()}
    return fichiers | {"mesures": (f"mesures-{commande.suffixe}.csv", jointes.en_csv(matiere.mesures))}


def ranger(sortie: Path, fichiers: dict[str, tuple[str, str | bytes]]) -> dict[str, Path]:
    """Écrit ensemble les fichiers de :func:`contenus`, sans jamais écraser un document retouché ; rend leurs chemins.

    Warns
    -----
    DocxRetouche
        Le document déjà là a été retouché : le nouveau prend un autre nom.
    """
    chemins = {format_: sortie / nom for format_, (nom, _) in fichiers.items()}
    for retouchable in [f for f in (*livrables.RETOUCHABLES, "bordereau") if f in chemins]:
        chemins[retouchable] = place_libre(chemins[retouchable])
    ecrire_ensemble({chemins[format_]: contenu for format_, (_, contenu) in fichiers.items()})
    return chemins


def formats_voulus(formats: str | tuple) -> list[str]:
    """Les formats demandés, contrôlés.

    Raises
    ------
    DemandeFausse
        Tous les formats inconnus d'un coup.

    Examples
    --------
    >>> formats_voulus("HTML; docx,pdf")
    ['html', 'docx', 'pdf']
    """
    suite = re.split(r"[,;\s]+", formats.strip(" ,;")) if isinstance(formats, str) else formats
    voulus = [f.strip().lower() for f in suite]
    inconnus = [f for f in voulus if f not in FORMATS]
    if inconnus or not voulus:
        raise DemandeFausse(
            "format inconnu : " + ", ".join(f"« {f} »" for f in inconnus),
            attendu=", ".join(FORMATS),
            conseil="pour Word, docx ; pour Excel, xlsx ; pour PowerPoint, pptx",
        )
    return voulus


def parametres_du_carnet(gabarit: Path) -> dict[str, str]:
    """Paramètres déclarés par un carnet : nom et valeur par défaut.

    Raises
    ------
    ProductionImpossible
        Carnet absent, illisible, ou sans paramètre ``code``.
    """
    import papermill
    from jsonschema.exceptions import ValidationError

    try:
        declares = {n: p["default"] for n, p in papermill.inspect_notebook(str(gabarit)).items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, ValidationError) as cause:
        raise gabarit_abime(gabarit, cause) from cause
    if "code" not in declares:
        raise gabarit_abime(gabarit, "il ne déclare pas le paramètre « code »")
    return declares


def _absolus(valeurs: dict[str, str]) -> dict[str, str]:
    """Chemins des fichiers apportés rendus absolus : le carnet ne se joue pas dans le même dossier."""

    def absolu(nom: str, ecrit: str) -> str:
        chemins = ecrit.split(",") if nom == "questionnaire" else [ecrit] if nom in ("qpv", "registre") else []
        return ",".join(str(Path(c.strip()).resolve()) for c in chemins if c.strip()) or ecrit

    return {n: absolu(n, v) for n, v in valeurs.items()}


def verifier_dossier(sortie: Path) -> None:
    """Refuse un dossier interdit avant de calculer plutôt qu'après."""
    try:
        sortie.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=sortie):
            pass
    except OSError as cause:
        raise ProductionImpossible(
            f"impossible d'écrire dans {sortie} ({en_clair(cause)})",
            conseil="choisissez un autre dossier avec --sortie",
        ) from cause


def _executer(gabarit: Path, valeurs: dict[str, str], *, sortie: Path, suffixe: str, delai: int):
    """Exécute le carnet modèle dans un processus à lui ; en échec, le garde sous ``echecs/``."""
    travail = Travail(suffixe, gabarit, valeurs, delai)
    # Le bordereau s'écrit en tableur, long à charger : le temps que le carnet se joue.
    rendu = processus.jouer(
        travail,
        Limites(),
        demarrer=processus.neuf,
        pendant=lambda: import_module("cafdiag.restitution.bordereau"),
    )
    if rendu.etat == FAIT:
        return rendu.rendu
    nom, phrase = rendu.faute
    famille = getattr(erreurs, nom, None)
    if isinstance(famille, type) and issubclass(famille, DemandeFausse):
        raise DemandeFausse(phrase)
    echec = ecrire_atomique(sortie / "echecs" / f"diagnostic-{suffixe}.ipynb", rendu.carnet_fautif)
    raise ProductionImpossible(
        f"le carnet s'est arrêté : {rendu.motif}",
        conseil=f"ouvrez {echec} pour voir la cellule en cause"
        if nom not in ("DelaiDepasse", "ProcessusArrete")
        else "relancez ; si cela se répète, signalez-le",
    )
