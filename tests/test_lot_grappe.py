"""Un lot sur une vraie grappe dask : un ordonnanceur et deux travailleurs, chacun dans son processus."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from lot_gabarits import CODES, carnet, octets, plan

from cafdiag.erreurs import ProductionImpossible
from cafdiag.lot import grappe
from cafdiag.lot.execution import Reglages, produire_lot
from cafdiag.restitution.processus import Limites

RACINE = Path(__file__).resolve().parent.parent


class Grappe:
    """Un ordonnanceur et ses travailleurs, en processus séparés."""

    def __init__(self, dossier: Path) -> None:
        pytest.importorskip("distributed", reason="distributed n'est pas installé")
        self.dossier, self.fichier = dossier, dossier / "ordonnanceur.json"
        self.processus: dict[str, subprocess.Popen] = {}
        self._lancer("ordonnanceur", "dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        self._attendre(self.fichier.exists)
        self.adresse = json.loads(self.fichier.read_text(encoding="utf-8"))["address"]

    def travailleur(self, nom: str) -> int:
        """Démarre un travailleur ; rend son numéro de processus."""
        self._lancer(nom, "dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny")
        journal = self.dossier / f"{nom}.txt"
        self._attendre(lambda: "Registered to" in journal.read_text(encoding="utf-8"))
        return self.processus[nom].pid

    def _lancer(self, nom: str, outil: str, *options: str) -> None:
        with (self.dossier / f"{nom}.txt").open("w", encoding="utf-8") as journal:
            self.processus[nom] = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{outil}", "--scheduler-file", str(self.fichier), *options],
                cwd=self.dossier,
                stdout=journal,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(RACINE), os.environ.get("PYTHONPATH", "")])},
            )

    @staticmethod
    def _attendre(pret, limite: float = 90) -> None:
        fin = time.monotonic() + limite
        while not pret():
            assert time.monotonic() < fin, "la grappe n'a pas démarré"
            time.sleep(0.1)

    def arreter(self) -> None:
        for un in self.processus.values():
            with contextlib.suppress(psutil.Error):
                for enfant in psutil.Process(un.pid).children(recursive=True):
                    enfant.kill()
            un.kill()
            un.wait()


@pytest.fixture
def provisoire(monkeypatch):
    """Dossier provisoire des travailleurs de ce seul essai."""
    with tempfile.TemporaryDirectory(prefix="cd-", ignore_cleanup_errors=True) as propre:
        for nom in ("TMPDIR", "TEMP", "TMP"):
            monkeypatch.setenv(nom, propre)
        yield Path(propre)


@pytest.fixture
def vraie_grappe(tmp_path, provisoire):
    grappe_ = Grappe(tmp_path)
    try:
        yield grappe_
    finally:
        grappe_.arreter()


def lot(gabarit: Path, sortie: Path, adresse: str, *, suivre=lambda *_: None, **options):
    reglages = Reglages(sortie=sortie, dask=adresse, limites=Limites(delai=120), **options)
    return produire_lot(plan(gabarit), reglages, suivre=suivre)


@pytest.mark.lent
@pytest.mark.filterwarnings("ignore")
def test_grappe_memes_octets_puis_travailleur_tue_puis_ordonnanceur_coupe(
    tmp_path, vraie_grappe, provisoire, monkeypatch
):
    monkeypatch.setattr(grappe, "_ATTENTE", 20.0)
    gabarit = carnet(tmp_path / "g.ipynb", "import os\nconstat = os.environ['CAFDIAG_DONNEES'] != ''")
    premier = vraie_grappe.travailleur("un")
    vraie_grappe.travailleur("deux")
    # Ici, sans grappe.
    ici = tmp_path / "ici"
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    produire_lot(plan(gabarit), Reglages(sortie=ici, moteur="auto", processus=1, limites=Limites(delai=120)))
    la_bas = tmp_path / "la-bas"
    assert lot(gabarit, la_bas, vraie_grappe.adresse).code_retour == 0
    assert octets(la_bas) == octets(ici) and len(octets(ici)) == 3 * len(CODES)
    # Rien ne reste chez les travailleurs.
    assert list(provisoire.iterdir()) and not list(provisoire.glob("cafdiag-depot-*"))

    # Un travailleur tué en route : l'autre reprend.
    lent = carnet(tmp_path / "g.ipynb", "import os, time\nconstat = os.environ['CAFDIAG_DONNEES'] != ''; time.sleep(1)")
    tues = []

    def tuer(suivi, resultat):
        if resultat is not None and not tues:
            psutil.Process(premier).kill()
            tues.append(premier)

    apres = tmp_path / "apres"
    bilan = lot(lent, apres, vraie_grappe.adresse, suivre=tuer)
    assert tues and bilan.code_retour == 0
    pages = {n: o for n, o in octets(apres).items() if not n.endswith(".ipynb")}
    assert pages == {n: o for n, o in octets(ici).items() if not n.endswith(".ipynb")}

    # L'ordonnanceur coupé : le lot finit, le dit, et se reprend ici.
    coupe = tmp_path / "coupe"

    def couper(suivi, resultat):
        if resultat is not None:
            vraie_grappe.processus["ordonnanceur"].kill()

    bilan = lot(lent, coupe, vraie_grappe.adresse, suivre=couper)
    assert bilan.code_retour == 1 and bilan.faits >= 1
    assert bilan.faits + len(bilan.echecs) == len(CODES)
    reprise = produire_lot(
        plan(lent), Reglages(sortie=coupe, reprendre=True, processus=1, limites=Limites(delai=120))
    )
    assert reprise.code_retour == 0 and reprise.repris == bilan.faits
    assert octets(coupe) == octets(apres)


@pytest.mark.filterwarnings("ignore")
def test_ordonnanceur_injoignable(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="distributed n'est pas installé")
    monkeypatch.setattr(grappe, "_ATTENTE", 1.0)
    with pytest.raises(ProductionImpossible, match="ne répond pas"):
        lot(carnet(tmp_path / "g.ipynb"), tmp_path / "s", "tcp://127.0.0.1:9")


def test_sans_distributed_le_message_dit_quoi_installer(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ProductionImpossible, match=r"cafdiag\[grappe\]"):
        grappe.exiger_distributed()


def test_une_autre_version_est_refusee_par_le_travailleur(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="distributed n'est pas installé")
    commande = plan(carnet(tmp_path / "g.ipynb")).commandes[0]
    resultat = grappe.executer_ailleurs(commande, "depot", grappe._ici() | {"version": "autre"})
    assert resultat.etat == "echec" and "version" in resultat.motif
