"""Le dossier d'un lot : ``lot.json``, son verrou, ``index.html``, et ce qu'une reprise n'a pas à refaire.

Ce qui décide d'un diagnostic (données, gabarits, code, bibliothèques, demande) est résumé en une empreinte : deux
demandes de même empreinte donnent les mêmes octets. C'est ce que compare ``--reprendre``, jamais l'heure des fichiers.
``lot.json``, qu'on remet à d'autres, ne porte que les empreintes de ce qui est public ; celle de ce qu'un partenaire a
remis reste sur le poste (:func:`marque_privee`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from cafdiag import magasin
from cafdiag.donnees import entrepot
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.empreintes_du_code import des_fichiers, sha256, version_de, version_du_code
from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.geographie import geographie
from cafdiag.magasin import dossier, dossier_utilisateur, ecrire_atomique
from cafdiag.restitution.archives import DocxRetouche
from cafdiag.restitution.livrables import SIGNES
from cafdiag.restitution.processus import ECHEC, FAIT, Resultat
from cafdiag.restitution.produire import Commande, ranger
from cafdiag.territoires.gardes import gardes_en_rang
from cafdiag.territoires.normalisation import normaliser
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

A_FAIRE = "a_faire"
NOM = "lot.json"
_FORMAT = 1
APPORTS = ("qpv", "registre", "questionnaire")
PRIVES = ("registre", "questionnaire")
_BIBLIOTHEQUES = ("pandas", "numpy", "geopandas", "shapely", "pyproj", "folium", "matplotlib", "jinja2",
                  "nbformat", "papermill", "ipython", "scipy", "pyarrow", "pyogrio", "openpyxl",
                  "python-docx", "typst")  # fmt: skip
# Ce qui appartient à qui demande le lot, et qu'un travailleur reçoit avec lui.
DU_DEMANDEUR = ("entrepot",)
_LIBELLES = {FAIT: "fait", ECHEC: "échec", A_FAIRE: "à faire"}
_NOMS = {"html": "rapport", "ipynb": "carnet", "mesures": "mesures (CSV)", "note_pdf": "note (pdf)",
          "pptx": "diapositives", "actions": "actions (à remplir)"}  # fmt: skip


# --- Ce qui décide d'un diagnostic ---


def fichiers_apportes(parametres: dict[str, str]) -> dict[str, list[Path]]:
    """Les fichiers que l'usager apporte à un diagnostic ; ses réponses de familles peuvent en être plusieurs.

    Examples
    --------
    >>> [c.name for c in fichiers_apportes({"questionnaire": "a.csv,b.csv", "qpv": ""})["questionnaire"]]
    ['a.csv', 'b.csv']
    """
    ecrits = {n: parametres.get(n, "") for n in APPORTS}
    return {
        n: [Path(c) for c in (ecrit.split(",") if n == "questionnaire" else [ecrit])]
        for n, ecrit in ecrits.items()
        if ecrit
    }


def entrees_communes() -> dict[str, str]:
    """Ce que partagent tous les diagnostics d'un lot, une empreinte par nature d'entrée.

    Les tables embarquées sont comparées à ``data/empreintes.json`` à chaque lecture : cette liste les vaut.
    """
    return {
        "version": version_du_code(),
        "geographie": str(geographie()),
        "donnees": sha256((magasin.dossier("data") / "empreintes.json").read_bytes().replace(b"\r\n", b"\n")),
        "gabarits": des_fichiers(magasin.dossier("templates"), "*")
        + des_fichiers(magasin.dossier("maps"), "*.js", "*.css"),
        "entrepot": sha256(json.dumps(_entrees(publiques=True), sort_keys=True)),
        "bibliotheques": sha256(
            "\n".join([platform.python_version(), *(f"{nom}=={version_de(nom)}" for nom in _BIBLIOTHEQUES)])
        ),
    }


def _entrees(*, publiques: bool) -> dict[str, dict]:
    return {n: e for n, e in entrepot.entrees().items() if entrepot.sans_empreinte(e["jeu"]) != publiques}


def marque_privee(commande: Commande, apports: dict[str, str]) -> str:
    """Ce qui décide d'un diagnostic et que d'autres ne doivent pas pouvoir essayer ; à ne pas écrire hors du poste.

    Parameters
    ----------
    commande : Commande
    apports : dict
        Empreinte de chaque fichier apporté.

    Returns
    -------
    str
        Vide si rien n'est privé.
    """
    privees = [_entrees(publiques=False), {n: v for n, v in apports.items() if n in PRIVES}]
    if not any(privees):
        return ""
    # Avec des données confidentielles, un périmètre montré avant celui-ci peut le faire taire.
    avant = gardes_en_rang() if commande.cible.maille == "perimetre" and confidentielles() else ()
    siennes = frozenset(commande.cible.communes)
    rang = next((i for i, communes in enumerate(avant) if frozenset(communes) == siennes), len(avant))
    return sha256(json.dumps([*privees, avant[:rang]], sort_keys=True))


def empreinte(commande: Commande, communes: dict[str, str], apports: dict[str, str]) -> str:
    """Empreinte d'un diagnostic demandé.

    Parameters
    ----------
    commande : Commande
        La demande ; les chemins des fichiers apportés n'y comptent pas, leur contenu oui.
    communes : dict
        :func:`entrees_communes`.
    apports : dict
        Empreinte de chaque fichier apporté (``qpv``, ``registre``) ; celle d'un registre n'y compte pas.
    """
    apports = {n: v for n, v in apports.items() if n not in PRIVES}
    propres = {n: v for n, v in commande.parametres.items() if n not in APPORTS}
    # Une identité ne change que ce qui la porte ; sans lui, celle d'un lot d'avant garde son empreinte.
    qui = [repr(commande.identite)] if set(SIGNES) & set(commande.formats) else []
    qui += [sha256(commande.modele)] if commande.modele else []
    return sha256(
        json.dumps([communes, apports, propres, sorted(commande.formats), *qui], sort_keys=True, ensure_ascii=False)
    )


def _chemin_des_marques(sortie: Path) -> Path:
    nom = hashlib.sha256(str(sortie.resolve()).encode("utf-8")).hexdigest()[:16]
    return dossier_utilisateur() / "lots" / f"{nom}.json"


def _lire_marques(sortie: Path) -> dict[str, str]:
    """Marque de chaque territoire du dossier ; vide si ce poste n'en sait rien : tout se refera.

    Parameters
    ----------
    sortie : Path
        Dossier du lot.
    """
    try:
        contenu = json.loads(_chemin_des_marques(sortie).read_text(encoding="utf-8"))
        return {str(cle): str(marque) for cle, marque in contenu.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _ecrire_marques(sortie: Path, marques: dict[str, str]) -> None:
    """Garde ces marques ; un dossier de l'utilisateur interdit n'arrête pas un lot."""
    utiles = {cle: marque for cle, marque in sorted(marques.items()) if marque}
    chemin = _chemin_des_marques(sortie)
    with contextlib.suppress(ProductionImpossible, OSError):
        if utiles:
            ecrire_atomique(chemin, json.dumps(utiles, indent=1))
        else:
            chemin.unlink(missing_ok=True)


# --- Ce qui est fait, ce qui reste ---


@contextlib.contextmanager
def reserver(sortie: Path) -> Iterator[None]:
    """Un seul lot à la fois dans un dossier ; le système lève le verrou d'un processus tué.

    Raises
    ------
    ProductionImpossible
        Un autre lot y travaille.
    """
    import filelock

    verrou = filelock.FileLock(sortie / ".lot.verrou", timeout=0)
    try:
        verrou.acquire()
    except filelock.Timeout as cause:
        raise ProductionImpossible(
            f"un autre lot travaille dans {sortie}",
            conseil="attendez qu'il finisse, ou choisissez un autre dossier avec --sortie",
        ) from cause
    except OSError as cause:
        raise ProductionImpossible(
            f"impossible de réserver {sortie} ({en_clair(cause)})",
            conseil="choisissez un autre dossier avec --sortie",
        ) from cause
    try:
        yield
    finally:
        verrou.release()


class DossierDuLot:
    """Ce que l'on sait de chaque territoire du dossier, tenu sur disque au fil du lot.

    Parameters
    ----------
    sortie : Path
        Dossier du lot. Un ``lot.json`` déjà là est repris : les territoires d'un lot précédent y restent.
    entrees : dict of str
        Empreintes communes (:func:`entrees_communes`).
    """

    def __init__(self, sortie: Path, entrees: dict[str, str]) -> None:
        self.sortie, self.entrees = sortie, entrees
        self.remarques: list[str] = []
        self.territoires: dict[str, dict[str, Any]] = _lire(sortie / NOM, self.remarques)
        self._marques = _lire_marques(sortie)
        self.delaisses: list[str] = []
        """Fichiers d'un lot précédent que celui-ci ne refait pas, faute d'en demander le format."""
        self.lot: dict[str, Any] = {}
        self._prochaine = 0.0

    def prevoir(self, commande: Commande, empreinte: str, *, reprendre: bool, marque: str = "") -> bool:
        """Inscrit une commande ; faux si elle est déjà faite, à l'identique, fichiers compris.

        ``marque`` (:func:`marque_privee`) reste sur le poste, jamais dans ``lot.json``.
        """
        fiche = self.territoires.get(commande.suffixe, {})
        connue = fiche.get("empreinte") == empreinte and self._marques.get(commande.suffixe, "") == marque
        if reprendre and connue and self._intacte(fiche):
            return False
        self._marques[commande.suffixe] = marque
        avec = {"note": "note_pdf", "fiches": "actions"}
        refaits = {*commande.formats, "mesures", *(c for f, c in avec.items() if f in commande.formats)}
        self.delaisses += [
            f["nom"]
            for format_, f in fiche.get("fichiers", {}).items()
            if format_ not in refaits and (self.sortie / f["nom"]).exists()
        ]
        cible = commande.cible
        parent = cible.parents.get("departement")
        self.territoires[commande.suffixe] = {
            "code": cible.code,
            "nom": commande.parametres["nom_usage"] or cible.nom,
            "nom_officiel": cible.nom,
            "maille": cible.maille,
            "departement": cible.departement or "",
            "nom_departement": parent.nom if parent else "",
            "etat": A_FAIRE,
            "empreinte": empreinte,
            "duree_s": None,
            "moteur": "",
            "motif": "",
            # Le rapport d'avant reste à portée tant qu'un nouveau ne l'a pas remplacé.
            "fichiers": fiche.get("fichiers", {}),
        }
        return True

    def _intacte(self, fiche: dict[str, Any]) -> bool:
        if fiche.get("etat") != FAIT or not fiche.get("fichiers"):
            return False
        try:
            return all(
                sha256((self.sortie / f["nom"]).read_bytes()) == f["sha256"]
                for f in fiche["fichiers"].values()
            )
        except OSError:
            return False

    def ranger(self, resultat: Resultat) -> None:
        """Écrit les fichiers d'un diagnostic réussi, ou son carnet fautif sous ``echecs/``."""
        fiche = self.territoires[resultat.cle]
        fautif = self.sortie / "echecs" / f"diagnostic-{resultat.cle}.ipynb"
        fiche |= {"duree_s": round(resultat.duree, 2), "moteur": resultat.moteur}
        if resultat.etat == FAIT:
            try:
                with warnings.catch_warnings(record=True) as dits:
                    warnings.simplefilter("always", DocxRetouche)
                    chemins = ranger(self.sortie, resultat.rendu)
            except ProductionImpossible as erreur:
                fiche |= {"etat": ECHEC, "motif": erreur.trouve}
                return
            self.remarques += [f"{dit.message}." for dit in dits]
            fiche |= {
                "etat": FAIT,
                "motif": "",
                "fichiers": {
                    f: {"nom": chemins[f].name, "sha256": sha256(contenu)}
                    for f, (_, contenu) in resultat.rendu.items()
                },
            }
            with contextlib.suppress(OSError):
                fautif.unlink(missing_ok=True)
            return
        fiche |= {"etat": ECHEC, "motif": resultat.motif}
        if resultat.carnet_fautif:
            with contextlib.suppress(ProductionImpossible):
                ecrire_atomique(fautif, resultat.carnet_fautif)

    def ecrire(self, *, tout_de_suite: bool = False) -> None:
        """Écrit ``lot.json`` ; pas plus souvent que nécessaire, l'écriture croît avec le lot."""
        if not tout_de_suite and time.monotonic() < self._prochaine:
            return
        debut = time.monotonic()
        contenu = {
            "format": _FORMAT,
            "lot": self.lot,
            "entrees": self.entrees,
            "territoires": dict(sorted(self.territoires.items())),
        }
        _ecrire_marques(self.sortie, self._marques)
        ecrire_atomique(self.sortie / NOM, json.dumps(contenu, ensure_ascii=False, indent=1) + "\n")
        fin = time.monotonic()
        self._prochaine = fin + max(2.0, 20 * (fin - debut))


def _lire(chemin: Path, remarques: list[str]) -> dict[str, dict[str, Any]]:
    """Les fiches saines d'un ``lot.json`` ; ce qui ne se lit pas est dit, et le fichier d'avant gardé."""
    try:
        contenu = json.loads(chemin.read_text(encoding="utf-8"))
        format_, fiches = contenu["format"], dict(contenu["territoires"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Rien n'est réputé fait, tout se refait.
        remarques.append(_mettre_de_cote(chemin, f"{NOM} est abîmé"))
        return {}
    if format_ != _FORMAT:
        raise ProductionImpossible(
            f"{chemin} vient d'une autre version de cafdiag (format {format_!r})",
            attendu=f"le format {_FORMAT}",
            conseil="mettez cafdiag à jour, ou choisissez un autre dossier avec --sortie",
        )
    saines = {str(cle): fiche for cle, fiche in fiches.items() if _saine(fiche)}
    if ecartees := [str(cle) for cle in fiches if str(cle) not in saines]:
        dites = ", ".join(sorted(ecartees)[:5])
        remarques.append(_mettre_de_cote(chemin, f"{NOM} a été modifié, fiches illisibles : {dites}"))
    return saines


def _mettre_de_cote(chemin: Path, constat: str) -> str:
    ailleurs = chemin.with_name(f"{chemin.stem}-abime.json")
    with contextlib.suppress(OSError):
        ailleurs.write_bytes(chemin.read_bytes())
    return f"{constat} ; gardé sous {ailleurs.name}. Les rapports déjà là ne sont pas touchés."


def _saine(fiche: Any) -> bool:
    textes = ("code", "nom", "departement", "motif")
    try:
        return (
            all(isinstance(fiche[nom], str) for nom in textes)
            and isinstance(fiche.get("nom_officiel", ""), str)
            and isinstance(fiche.get("nom_departement", ""), str)
            and fiche["maille"] in LIBELLES_MAILLES
            and fiche["etat"] in (FAIT, ECHEC, A_FAIRE)
            and all(isinstance(f["nom"], str) and isinstance(f["sha256"], str) for f in fiche["fichiers"].values())
        )
    except (KeyError, TypeError, AttributeError):
        return False


# --- L'index ---


def ecrire_index(lot: DossierDuLot) -> Path:
    """Écrit l'index d'un lot. Ni date ni durée : mêmes diagnostics, mêmes octets."""
    modele = jinja2.Environment(
        loader=jinja2.FileSystemLoader(dossier("templates") / "lot"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template("index.html.j2")
    lignes = sorted(
        (_ligne(cle, fiche) for cle, fiche in lot.territoires.items()),
        key=lambda ligne: (ligne["departement"], normaliser(ligne["nom"]), ligne["cle"]),
    )
    comptes = {nom: sum(ligne["etat"] == nom for ligne in lignes) for nom in _LIBELLES}
    departements = {ligne["departement"]: ligne["nom_departement"] for ligne in lignes if ligne["departement"]}
    vues = [
        (f"departement-{code}.html", nom or code)
        for code, nom in sorted(departements.items())
        if (lot.sortie / f"departement-{code}.html").is_file()
    ]
    page = modele.render(lignes=lignes, comptes=comptes, total=len(lignes), libelles=_LIBELLES, vues=vues)
    return ecrire_atomique(lot.sortie / "index.html", page)


def _ligne(cle: str, fiche: dict[str, Any]) -> dict[str, Any]:
    officiel = fiche.get("nom_officiel", fiche["nom"])
    noms = {f: fichier["nom"] for f, fichier in fiche["fichiers"].items()}
    return {
        "cle": cle,
        "code": fiche["code"],
        "nom": fiche["nom"],
        "officiel": officiel if officiel != fiche["nom"] else "",
        "maille": LIBELLES_MAILLES[fiche["maille"]],
        "departement": fiche["departement"],
        "nom_departement": fiche.get("nom_departement", ""),
        "etat": fiche["etat"],
        "motif": fiche["motif"],
        "rapport": noms.pop("html", ""),
        "fichiers": [(_NOMS.get(f, f), nom) for f, nom in noms.items()],
        "recherche": normaliser(
            f"{fiche['nom']} {officiel} {fiche['code']} {fiche['departement']} {fiche.get('nom_departement', '')}"
        ),
    }
