"""Un lot sur une grappe : un ordonnanceur dask qui existe déjà, et ses travailleurs.

Le gabarit, les fichiers apportés et l'entrepôt de l'utilisateur partent une seule fois, par une extension de
travailleur : ceux qui arrivent ou redémarrent en cours de lot les reçoivent aussi. Les tables embarquées
voyagent avec cafdiag, installé sur chaque travailleur ; une version différente est refusée, jamais mêlée.
Rien n'est écrit là-bas : les rapports reviennent et le lot les range.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from cafdiag.donnees import entrepot
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.erreurs import ProductionImpossible, en_clair
from cafdiag.geographie import VARIABLE, geographie
from cafdiag.lot.dossier import DU_DEMANDEUR, entrees_communes, fichiers_apportes
from cafdiag.lot.machine import Machine, Panne
from cafdiag.restitution.processus import ECHEC, Limites, Resultat
from cafdiag.restitution.produire import Commande
from cafdiag.territoires.gardes import dossier as dossier_des_perimetres
from cafdiag.territoires.gardes import dossier_montres
from cafdiag.territoires.montres import retenir

_SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg")
_ATTENTE = 30.0  # secondes laissées à la grappe pour répondre, ou pour revenir
_NOUVELLES_TENTATIVES = 2


def exiger_distributed() -> None:
    """Refuse clairement une grappe sans dask.

    Raises
    ------
    ProductionImpossible
        Le paquet ``distributed`` n'est pas installé.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as cause:
        raise ProductionImpossible(
            "« --dask » demande le paquet distributed, qui n'est pas installé",
            attendu="cafdiag installé avec son option « grappe »",
            conseil="pip install 'cafdiag[grappe]', ou retirez --dask pour produire sur cette machine",
        ) from cause


class Depot:
    """Extension de travailleur : dépose sur son disque ce que les carnets liront, et tient sa machine.

    Parameters
    ----------
    fichiers : dict of str to bytes
        Chemin relatif et contenu.
    moteur, limites, commande, seule
        Voir :class:`cafdiag.lot.machine.Machine`.
    """

    def __init__(
        self, fichiers: dict[str, bytes], moteur: str, limites: Limites, commande: Commande, *, seule: bool
    ) -> None:
        # Le nom paraît dans les journaux de la grappe : tiré au hasard, il ne dit rien du contenu.
        self.name = f"cafdiag-depot-{secrets.token_hex(8)}"
        self.fichiers = fichiers
        self.dossier: Path | None = None
        self._reglages = (moteur, limites, commande, seule)
        self._machine: Machine | None = None

    def setup(self, worker: Any) -> None:
        """À l'arrivée du travailleur, ou de l'extension."""
        self.dossier = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        for nom, octets in self.fichiers.items():
            chemin = self.dossier / nom
            chemin.parent.mkdir(parents=True, exist_ok=True)
            chemin.write_bytes(octets)
        self.fichiers = {}
        self._places = worker.state.nthreads
        self._verrou = threading.Lock()

    def teardown(self, worker: Any) -> None:
        """Au départ : rien ne reste chez lui, ni processus ni fichier."""
        if self._machine is not None:
            self._machine.fermer(interrompre=True)
        if self.dossier is not None:
            shutil.rmtree(self.dossier, ignore_errors=True)

    def produire(self, commande: Commande) -> Resultat:
        """Produit un diagnostic à partir de ce qui a été déposé."""
        with self._verrou:
            if self._machine is None:
                moteur, limites, premiere, seule = self._reglages
                self._machine = Machine(
                    moteur,
                    self._places,
                    limites,
                    self._ici(premiere),
                    annoncer=lambda _: None,
                    seule=seule,
                    environnement={
                        "CAFDIAG_DONNEES": str(self._dossier / "entrepot"),
                        VARIABLE: str(geographie()),
                    },
                )
        return self._machine.soumettre(self._ici(commande)).result()

    @property
    def _dossier(self) -> Path:
        assert self.dossier is not None
        return self.dossier

    def _ici(self, commande: Commande) -> Commande:
        apports = {
            n: ",".join(str(self._dossier / n / str(rang) / c.name) for rang, c in enumerate(chemins))
            for n, chemins in fichiers_apportes(commande.parametres).items()
        }
        return replace(
            commande, gabarit=self._dossier / "gabarit.ipynb", parametres=commande.parametres | apports
        )


def _colis(commande: Commande) -> dict[str, bytes]:
    fichiers = {"gabarit.ipynb": commande.gabarit.read_bytes()}
    for nom, chemins in fichiers_apportes(commande.parametres).items():
        for rang, chemin in enumerate(chemins):
            # Un shapefile est fait de plusieurs fichiers de même nom.
            suffixes = _SHAPEFILE if chemin.suffix.lower() == ".shp" else ()
            parties = {chemin, *(chemin.with_suffix(s) for s in suffixes)}
            fichiers |= {
                f"{nom}/{rang}/{p.name}": p.read_bytes() for p in parties if p == chemin or p.is_file()
            }
    if entrees := entrepot.entrees():
        racine = entrepot.dossier()
        fichiers["entrepot/manifeste.json"] = (racine / "manifeste.json").read_bytes()
        for entree in entrees.values():
            fichiers[f"entrepot/{entree['table']}"] = (racine / entree["table"]).read_bytes()
    # Le secret juge chaque périmètre avec ceux qui sont gardés ou montrés : le travailleur doit les connaître.
    for dossier in (dossier_des_perimetres(), dossier_montres()):
        for chemin in sorted(dossier.glob("*.json")):
            fichiers[f"entrepot/{dossier.name}/{chemin.name}"] = chemin.read_bytes()
    return fichiers


@lru_cache(maxsize=1)
def _ici() -> dict[str, str]:
    return {n: v for n, v in entrees_communes().items() if n not in DU_DEMANDEUR}


def executer_ailleurs(commande: Commande, depot: str, attendu: dict[str, str]) -> Resultat:
    """Sur un travailleur : produit un diagnostic à partir de ce qui y a été déposé."""
    from distributed import get_worker

    differences = [n for n, v in _ici().items() if attendu[n] != v]
    if differences:
        return Resultat(
            commande.suffixe,
            ECHEC,
            motif=f"un travailleur n'a pas le même cafdiag ({', '.join(differences)}) : "
            "installez partout la même version",
        )
    depose: Any = get_worker().plugins[depot]
    return depose.produire(commande)


class Grappe:
    """Le moteur d'un lot mené sur une grappe ; même usage que :class:`cafdiag.lot.machine.Machine`.

    Raises
    ------
    ProductionImpossible
        ``distributed`` absent, ordonnanceur injoignable, aucun travailleur, cafdiag absent d'un travailleur.
    """

    def __init__(
        self,
        adresse: str,
        moteur: str,
        limites: Limites,
        commande: Commande,
        *,
        annoncer: Callable[[str], None],
        seule: bool = False,
    ) -> None:
        exiger_distributed()
        from distributed import Client

        try:
            self._client = Client(adresse, timeout=_ATTENTE, set_as_default=False)
            self._client.wait_for_workers(1, timeout=_ATTENTE)
        except (OSError, TimeoutError, ValueError) as cause:
            if hasattr(self, "_client"):
                self._client.close()
                raise ProductionImpossible(
                    f"l'ordonnanceur {adresse} n'a aucun travailleur", conseil="démarrez-en au moins un"
                ) from cause
            raise ProductionImpossible(
                f"l'ordonnanceur {adresse} ne répond pas",
                attendu="l'adresse d'un ordonnanceur dask, comme tcp://machine:8786",
                conseil="vérifiez l'adresse, ou retirez --dask pour produire sur cette machine",
            ) from cause
        depot = _depot_dask(_colis(commande), moteur, limites, commande, seule=seule)
        # Le nom est celui de l'extension même : il est tiré au hasard, une autre en aurait un autre.
        self._depot, self._attendu = depot.name, _ici()
        try:
            self._client.register_plugin(depot)
        except Exception as cause:
            self._client.close()
            raise ProductionImpossible(
                f"les travailleurs ne peuvent pas servir ({en_clair(cause)})",
                conseil="installez le même cafdiag sur chacun d'eux",
            ) from cause
        # Les tentatives reprennent une tâche dont le travailleur est mort ; un carnet fautif n'en est pas une.
        self._executeur = self._client.get_executor(pure=False, retries=_NOUVELLES_TENTATIVES)
        travailleurs = self._client.scheduler_info(n_workers=-1)["workers"]
        self.places = sum(t["nthreads"] for t in travailleurs.values())
        self._vu = time.monotonic()
        annoncer(f"grappe {adresse} : {len(travailleurs)} travailleur(s), {self.places} place(s).")

    def soumettre(self, commande: Commande) -> Any:
        """Confie une commande à la grappe ; rend un ``Future``."""
        cible = commande.cible
        # Là-bas, le journal des périmètres montrés disparaît avec le dépôt : il se tient ici.
        if cible.maille == "perimetre" and confidentielles():
            retenir(cible.communes)
        return self._executeur.submit(executer_ailleurs, commande, self._depot, self._attendu)

    def lire(self, futur: Any) -> Resultat:
        """Le résultat d'un ``Future`` fini.

        Raises
        ------
        Panne
            Le travailleur est mort, la tâche est perdue.
        """
        try:
            return futur.result()
        except BaseException as cause:
            if isinstance(cause, KeyboardInterrupt | SystemExit):
                raise
            raise Panne(f"la grappe a perdu ce diagnostic ({type(cause).__name__})") from cause

    def verifier(self) -> None:
        """Lève si l'ordonnanceur ne répond plus depuis trop longtemps."""
        if self._client.status == "running":
            self._vu = time.monotonic()
        elif time.monotonic() - self._vu > _ATTENTE:
            raise Panne("l'ordonnanceur de la grappe ne répond plus")

    def fermer(self, *, interrompre: bool = False) -> None:
        """Rend la grappe comme on l'a trouvée."""
        vivante = self._client.status == "running"
        with contextlib.suppress(Exception):
            self._executeur.shutdown(wait=vivante and not interrompre, cancel_futures=True)
        if vivante:
            with contextlib.suppress(Exception):
                self._client.unregister_worker_plugin(self._depot)
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)


def _depot_dask(*reglages: Any, **options: Any) -> Any:
    """``register_plugin`` exige une sous-classe de WorkerPlugin ; distributed reste un choix."""
    from distributed.diagnostics.plugin import WorkerPlugin

    class DepotDask(Depot, WorkerPlugin):
        pass

    return DepotDask(*reglages, **options)
