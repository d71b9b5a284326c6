"""L'état d'un lot : ``lot.json``, son verrou, et ce qu'une reprise n'a pas à refaire."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cafdiag.empreintes_du_code import sha256
from cafdiag.erreurs import ProductionImpossible
from cafdiag.lot.tache import A_FAIRE, ECHEC, FAIT, Resultat
from cafdiag.magasin import dossier_utilisateur, ecrire_atomique
from cafdiag.restitution.archives import DocxRetouche
from cafdiag.restitution.produire import Commande, ranger
from cafdiag.territoires.referentiel import LIBELLES_MAILLES


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


NOM = "lot.json"
_FORMAT = 1


@contextlib.contextmanager
def seul(sortie: Path) -> Iterator[None]:
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
            f"impossible de réserver {sortie} ({cause.strerror or cause})",
            conseil="choisissez un autre dossier avec --sortie",
        ) from cause
    try:
        yield
    finally:
        verrou.release()


class EtatDuLot:
    """Ce que l'on sait de chaque territoire du dossier, tenu sur disque au fil du lot.

    Parameters
    ----------
    sortie : Path
        Dossier du lot. Un ``lot.json`` déjà là est repris : les territoires d'un lot précédent y restent.
    entrees : dict of str
        Empreintes communes (:func:`cafdiag.lot.empreintes.entrees_communes`).
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

        ``marque`` (:func:`cafdiag.lot.empreintes.marque_privee`) reste sur le poste, jamais dans ``lot.json``.
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
                    chemins = ranger(self.sortie, resultat.fichiers)
            except ProductionImpossible as erreur:
                fiche |= {"etat": ECHEC, "motif": erreur.trouve}
                return
            self.remarques += [f"{dit.message}." for dit in dits]
            fiche |= {
                "etat": FAIT,
                "motif": "",
                "fichiers": {
                    f: {"nom": chemins[f].name, "sha256": sha256(contenu)}
                    for f, (_, contenu) in resultat.fichiers.items()
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
