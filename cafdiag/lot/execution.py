"""Mener un lot : planifier, lancer, ranger, dire où l'on en est, finir même quand des carnets échouent."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cafdiag.empreintes_du_code import sha256
from cafdiag.erreurs import ProductionImpossible
from cafdiag.lot.dossier import (
    A_FAIRE,
    NOM,
    DossierDuLot,
    ecrire_index,
    empreinte,
    entrees_communes,
    fichiers_apportes,
    marque_privee,
    reserver,
)
from cafdiag.lot.machine import Machine, Original, Panne
from cafdiag.lot.plan import Plan
from cafdiag.restitution.formats import pluriel
from cafdiag.restitution.processus import ECHEC, FAIT, Limites, Resultat
from cafdiag.restitution.produire import Commande, verifier_dossier

# Octets par diagnostic et par format, pour juger du disque avant de partir ; larges.
_POIDS = {"html": 1_500_000, "ipynb": 4_000_000}
_POIDS_AUTRE = 2_000_000
_ESSAIS = 3


@dataclass
class Avancement:
    """Où en est un lot."""

    total: int
    repris: int = 0
    faits: int = 0
    echecs: int = 0
    en_cours: int = 0
    debut: float = field(default_factory=time.monotonic)

    @property
    def reste_s(self) -> float | None:
        """Secondes restantes, au rythme tenu jusqu'ici ; None tant que rien n'est fini."""
        finis = self.faits + self.echecs
        if not finis:
            return None
        return (time.monotonic() - self.debut) / finis * (self.total - self.repris - finis)


@dataclass(frozen=True)
class BilanDuLot:
    """Ce qu'un lot a fait."""

    faits: int
    repris: int
    echecs: dict[str, str]
    restants: int
    duree: float
    index: Path

    @property
    def code_retour(self) -> int:
        """0 si tout est fait, 1 sinon."""
        return 1 if self.echecs or self.restants else 0


@dataclass(frozen=True)
class Reglages:
    """Comment mener un lot.

    Attributes
    ----------
    sortie : Path
    moteur : {"auto", "copie", "neuf"}
    processus : int
        Diagnostics de front ; 0 : un par cœur.
    dask : str
        Adresse d'un ordonnanceur dask ; vide : cette machine.
    reprendre : bool
    limites : Limites
    """

    sortie: Path
    moteur: str = "auto"
    processus: int = 0
    dask: str = ""
    reprendre: bool = False
    limites: Limites = field(default_factory=lambda: Limites(delai=900, memoire=4000))


def _muet(*_: Any) -> None:
    """Rien à dire."""


def produire_lot(
    plan: Plan,
    reglages: Reglages,
    *,
    annoncer: Callable[[str], None] = _muet,
    suivre: Callable[[Avancement, Resultat | None], None] = _muet,
    conclure: Callable[[int], None] = _muet,
    original: Original | None = None,
) -> BilanDuLot:
    """Produit tous les diagnostics d'un plan.

    Parameters
    ----------
    plan : Plan
        Voir :func:`cafdiag.lot.plan.planifier`.
    reglages : Reglages
    annoncer : callable
        Reçoit les phrases à dire (moteur, replis).
    suivre : callable
        Reçoit l'avancement et le résultat qui vient de finir, à chaque pas.
    conclure : callable
        Reçoit le nombre de diagnostics faits, une fois le dernier écrit et avant l'index : ce qui les réunit.

    original : Original, optional
        Un original démarré d'avance ; le lot le ferme s'il s'en sert.

    Returns
    -------
    BilanDuLot
        Un carnet en échec n'arrête rien : il est compté, gardé sous ``echecs/`` et nommé dans l'index.

    Raises
    ------
    ProductionImpossible
        Dossier interdit, disque trop petit, autre lot dans le même dossier, grappe injoignable.
    KeyboardInterrupt
        Après avoir arrêté les processus et écrit l'état : ``reprendre`` continue de là.
    """
    sortie = reglages.sortie
    verifier_dossier(sortie)
    with reserver(sortie):
        communes = entrees_communes()
        apports = _apports(plan.commandes)
        lot = DossierDuLot(sortie, communes)
        _epargner_l_index(sortie, annoncer)
        while lot.remarques:
            annoncer(lot.remarques.pop(0))
        a_faire = [
            commande
            for commande in plan.commandes
            if lot.prevoir(
                commande,
                empreinte(commande, communes, siens := apports[commande.suffixe]),
                reprendre=reglages.reprendre,
                marque=marque_privee(commande, siens),
            )
        ]
        repris = len(plan.commandes) - len(a_faire)
        _verifier_disque(sortie, a_faire)
        suivi = Avancement(len(plan.commandes), repris=repris)
        if repris:
            faits = pluriel(repris, "diagnostic déjà fait, gardé", "diagnostics déjà faits, gardés")
            annoncer(f"{faits} : rien de ce dont ils sont faits n'a changé.")
        if lot.delaisses:
            annoncer(_dire_delaisses(lot.delaisses))
        lot.ecrire(tout_de_suite=True)
        try:
            if a_faire:
                _mener(a_faire, reglages, lot, suivi, annoncer, suivre, original)
            conclure(suivi.faits)
        finally:
            lot.lot = {
                "duree_s": round(time.monotonic() - suivi.debut, 1),
                "demandes": suivi.total,
                "repris": suivi.repris,
                "faits": suivi.faits,
                "echecs": suivi.echecs,
            }
            _clore(lot, annoncer)
        fiches = {c.suffixe: lot.territoires[c.suffixe] for c in plan.commandes}
        return BilanDuLot(
            faits=suivi.faits,
            repris=repris,
            echecs={cle: f["motif"] for cle, f in fiches.items() if f["etat"] == ECHEC},
            restants=sum(f["etat"] == A_FAIRE for f in fiches.values()),
            duree=time.monotonic() - suivi.debut,
            index=sortie / "index.html",
        )


def _apports(commandes: Sequence[Commande]) -> dict[str, dict[str, str]]:
    """Par diagnostic, l'empreinte de chacun des fichiers qu'on lui apporte ; un même fichier n'est lu qu'une fois."""
    empreinte_de = lru_cache(lambda chemin: sha256(chemin.read_bytes()))
    return {
        commande.suffixe: {
            n: ",".join(map(empreinte_de, chemins))
            for n, chemins in fichiers_apportes(commande.parametres).items()
        }
        for commande in commandes
    }


def _dire_delaisses(noms: list[str]) -> str:
    restent = pluriel(len(noms), "fichier d'un lot précédent reste", "fichiers d'un lot précédent restent")
    return (
        f"{restent} là sans être refaits, faute d'en demander le format ({noms[0]}…) : leurs chiffres peuvent "
        "différer des nouveaux. Ajoutez leur format à --formats, ou supprimez-les."
    )


def _epargner_l_index(sortie: Path, annoncer: Callable[[str], None]) -> None:
    """Un ``index.html`` qui n'est pas celui d'un lot appartient à l'utilisateur."""
    index = sortie / "index.html"
    if not index.exists() or (sortie / NOM).exists():
        return
    ailleurs = index.with_name("index-avant-lot.html")
    if ailleurs.exists():
        raise ProductionImpossible(
            f"{index} et {ailleurs.name} ne viennent pas d'un lot",
            conseil="choisissez un autre dossier avec --sortie",
        )
    index.rename(ailleurs)
    annoncer(f"l'index.html qui était là est gardé sous {ailleurs.name}.")


def _clore(lot: DossierDuLot, annoncer: Callable[[str], None]) -> None:
    try:
        lot.ecrire(tout_de_suite=True)
        ecrire_index(lot)
    except ProductionImpossible as erreur:
        # Disque plein : les rapports déjà écrits restent, l'état précédent aussi.
        annoncer(f"l'état du lot n'a pas pu être écrit : {erreur}")


def _verifier_disque(sortie: Path, commandes: list[Commande]) -> None:
    if not commandes:
        return
    un = sum(_POIDS.get(f, _POIDS_AUTRE) for f in commandes[0].formats)
    besoin, libre = un * len(commandes), shutil.disk_usage(sortie).free
    if libre < besoin:
        raise ProductionImpossible(
            f"{libre / 1e6:.0f} Mo libres dans {sortie} pour {len(commandes)} diagnostics",
            attendu=f"environ {besoin / 1e6:.0f} Mo",
            conseil="libérez de la place, ou demandez moins de formats (--formats html)",
        )


def _ouvrir(
    reglages: Reglages, commandes: list[Commande], annoncer: Callable[[str], None], original: Original | None
) -> Any:
    """Le moteur du lot : cette machine, ou une grappe."""
    seule = len(commandes) == 1
    if reglages.dask:
        from cafdiag.lot.grappe import Grappe

        # Tous les territoires n'ont pas de réponses de familles : celui qui en a les apporte.
        riche = max(commandes, key=lambda c: len(fichiers_apportes(c.parametres)))
        return Grappe(reglages.dask, reglages.moteur, reglages.limites, riche, annoncer=annoncer, seule=seule)
    machine = Machine(
        reglages.moteur,
        reglages.processus,
        reglages.limites,
        commandes[0],
        annoncer=annoncer,
        seule=seule,
        cibles=[c.parametres["code"] for c in commandes],
        original=original,
    )
    annoncer(f"moteur « {machine.moteur} », {pluriel(machine.places, 'diagnostic')} de front.")
    return machine


def _mener(
    commandes: list[Commande],
    reglages: Reglages,
    lot: DossierDuLot,
    suivi: Avancement,
    annoncer: Callable[[str], None],
    suivre: Callable[[Avancement, Resultat | None], None],
    original: Original | None,
) -> None:
    moteur = _ouvrir(reglages, commandes, annoncer, original)
    attente = deque(commandes)
    essais: Counter[str] = Counter()
    en_cours: dict[Any, Commande] = {}
    suivi.debut = time.monotonic()
    interrompu = True
    try:
        while attente or en_cours:
            # Une petite avance : une place ne reste pas libre pendant que le lot range un résultat.
            while attente and len(en_cours) < moteur.places + 2:
                commande = attente.popleft()
                essais[commande.suffixe] += 1
                en_cours[moteur.soumettre(commande)] = commande
            suivi.en_cours = min(len(en_cours), moteur.places)
            finis, _ = wait(list(en_cours), timeout=0.5, return_when=FIRST_COMPLETED)
            suivre(suivi, None)
            try:
                moteur.verifier()
            except Panne as panne:
                _renoncer([*en_cours.values(), *attente], str(panne), lot, suivi)
                return
            for futur in finis:
                commande = en_cours.pop(futur)
                try:
                    resultat = moteur.lire(futur)
                except Panne as panne:
                    if essais[commande.suffixe] < _ESSAIS:
                        attente.appendleft(commande)
                        continue
                    resultat = Resultat(commande.suffixe, ECHEC, motif=str(panne))
                lot.ranger(resultat)
                while lot.remarques:
                    annoncer(lot.remarques.pop(0))
                fait = lot.territoires[commande.suffixe]["etat"] == FAIT
                suivi.faits += fait
                suivi.echecs += not fait
                with contextlib.suppress(ProductionImpossible):
                    lot.ecrire()
                suivre(suivi, resultat)
        interrompu = False
    finally:
        moteur.fermer(interrompre=interrompu)


def _renoncer(commandes: list[Commande], motif: str, lot: DossierDuLot, suivi: Avancement) -> None:
    """La machinerie ne reviendra pas : tout ce qui restait est en échec, et dit pourquoi."""
    for commande in commandes:
        lot.ranger(Resultat(commande.suffixe, ECHEC, motif=motif))
    suivi.echecs += len(commandes)
