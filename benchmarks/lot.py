"""Un lot : cafdiag contre papermill en ligne de commande, contre un groupe de processus papermill, et sa borne.

    python benchmarks/lot.py [--epci 30] [--tours 3] [--cli 5]
    python benchmarks/lot.py --contre ARBRE [--departement 53] [--formats tous]

Tout est mesuré dans la même exécution, sur le vrai gabarit, en alternant les méthodes à chaque tour :

- « lot » : ``cafdiag lot`` tel quel, démarrage, pages, index et écritures compris ;
- « processus » : ``papermill.execute_notebook`` dans deux processus ordinaires, déjà chauds ; les pages n'y
  sont pas comptées ;
- « commande » : ``papermill`` puis ``jupyter nbconvert``, l'un après l'autre, sur un échantillon de taille
  déclarée (``--cli``), rapporté au diagnostic ;
- « borne basse » : le temps processeur des seules cellules, ce qu'elles affichent compris, dans des copies d'un
  processus préchargé, divisé par le nombre de cœurs.

Code de retour 1 si l'un des trois rapports ne tient pas son exigence.

Avec ``--contre``, le seul lot, contre celui d'une autre version de cafdiag (son dossier), entrepôt vide, en alternant :
secondes, temps de processeur et mémoire de crête.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil

from cafdiag.lot.machine import places_par_defaut, precharger
from cafdiag.magasin import dossier
from cafdiag.restitution.produire import FORMATS
from cafdiag.territoires import lister

RACINE = Path(__file__).resolve().parent.parent
GABARIT = dossier("templates") / "diagnostic_ctg.ipynb"
EXIGENCES = {"commande": 8.0, "processus": 2.2, "borne": 1.6}


def choisir(nombre: int) -> list[str]:
    """Des EPCI de tailles variées : répartis du moins au plus peuplé, les quatre départements complets compris."""
    complets = [c for d in ("01", "08", "49", "53") for c in lister("epci", departement=d)["code"]]
    tous = lister("epci").sort_values(["population", "code"])
    riches = tous[tous["code"].isin(complets)]["code"].tolist()
    autres = tous[~tous["code"].isin(complets)]["code"].tolist()
    moitie = nombre // 2
    return _repartis(riches, nombre - moitie) + _repartis(autres, moitie)


def _repartis(codes: list[str], nombre: int) -> list[str]:
    if nombre < 2:
        return codes[:nombre]
    return [codes[round(i * (len(codes) - 1) / (nombre - 1))] for i in range(nombre)]


def _outil(nom: str) -> str:
    chemin = Path(sysconfig.get_path("scripts")) / (f"{nom}.exe" if os.name == "nt" else nom)
    if not chemin.exists():
        sys.exit(f"benchmarks : la commande « {nom} » n'est pas installée dans cet environnement.")
    return str(chemin)


def _lancer(commande: list[str], ici: Path) -> None:
    essai = subprocess.run(commande, cwd=ici, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if essai.returncode != 0:
        sys.exit(f"benchmarks : échec de {' '.join(commande)}\n{essai.stderr[-2000:]}")


def par_lot(codes: list[str], *, formats: str = "html,ipynb", arbre: Path | None = None) -> tuple[float, float, float]:
    """Par diagnostic du lot : secondes, secondes de processeur ; et mégaoctets de crête de toute sa descendance."""
    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
        ici = Path(provisoire)
        commande = [sys.executable, "-m", "cafdiag", "lot", "--territoires", ",".join(codes), "--sortie", "s"]
        # Un poste neuf : ni données apportées, ni mesures gardées d'un lancement précédent.
        variables = os.environ | {"CAFDIAG_DONNEES": str(ici / "donnees"), "CAFDIAG_MEMOIRE": str(ici / "mesures")}
        if arbre is not None:
            variables["PYTHONPATH"] = str(arbre)
        debut, processeur = time.perf_counter(), os.times()
        essai = subprocess.Popen(
            [*commande, "--formats", formats],
            cwd=ici,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
        )
        crete, fini = [0.0], threading.Event()

        def guetter() -> None:
            racine = psutil.Process(essai.pid)
            while not fini.wait(0.5):
                total = 0
                try:
                    for un in (racine, *racine.children(recursive=True)):
                        # Part proportionnelle : une page partagée par trois processus ne compte qu'une fois.
                        vue = un.memory_full_info()
                        total += getattr(vue, "pss", vue.rss)
                except psutil.Error:
                    continue
                crete[0] = max(crete[0], total / 1e6)

        guet = threading.Thread(target=guetter)
        guet.start()
        _, erreurs = essai.communicate()
        duree = time.perf_counter() - debut
        fini.set()
        guet.join()
        if essai.returncode:
            sys.exit(f"benchmarks : échec du lot\n{erreurs[-2000:]}")
        if "html" in formats:
            assert len(list((ici / "s").glob("diagnostic-*.html"))) == len(codes)
        apres = os.times()
        calcul = sum(apres[2:4]) - sum(processeur[2:4])
    return duree / len(codes), calcul / len(codes), crete[0]


def _formats_de(arbre: Path) -> list[str]:
    """Les formats que l'autre version connaît aussi."""
    demande = "from cafdiag.restitution.produire import FORMATS; print(*FORMATS)"
    commande = [sys.executable, "-P", "-c", demande]
    environnement = os.environ | {"PYTHONPATH": str(arbre.resolve())}
    connus = subprocess.run(commande, env=environnement, capture_output=True, text=True, check=True).stdout.split()
    return [f for f in FORMATS if f in connus]


def contre(arbre: Path, codes: list[str], formats: str, tours: int) -> None:
    """Le lot d'ici contre celui d'une autre version, en alternant ; imprime les médianes."""
    mesures: dict[str, list[tuple[float, float, float]]] = {"avant": [], "ici": []}
    for tour in range(tours):
        for nom in ("avant", "ici") if tour % 2 == 0 else ("ici", "avant"):
            mesures[nom].append(par_lot(codes, formats=formats, arbre=arbre if nom == "avant" else RACINE))
    medianes = {nom: [statistics.median(v) for v in zip(*m, strict=True)] for nom, m in mesures.items()}
    for rang, (quoi, unite) in enumerate((("durée", "s"), ("processeur", "s"), ("mémoire", "Mo"))):
        avant, ici = medianes["avant"][rang], medianes["ici"][rang]
        print(f"{quoi:10} avant {avant:8.2f} {unite:2}   ici {ici:8.2f} {unite:2}   rapport {avant / ici:5.2f}")


def _ordinaire(code: str) -> None:
    import papermill

    with tempfile.TemporaryDirectory() as ici:
        for essai in (1, 2):
            try:
                papermill.execute_notebook(
                    str(GABARIT), str(Path(ici) / "s.ipynb"), parameters={"code": code}, progress_bar=False
                )
                return
            except RuntimeError as cause:
                # Vu une fois : sans doute deux noyaux qui choisissent le même port au même instant.
                if essai == 2 or "Kernel died" not in str(cause):
                    raise
                print(f"processus : noyau mort au démarrage ({code}), relancé ; le temps perdu est compté", flush=True)


def amorcer() -> None:
    """Un ouvrier du groupe : pas de grammaire IRI à compiler."""
    sys.modules.setdefault("rfc3987_syntax", None)


def par_processus(groupe: ProcessPoolExecutor, codes: list[str]) -> float:
    """Secondes par diagnostic d'un groupe de processus papermill."""
    debut = time.perf_counter()
    list(groupe.map(_ordinaire, codes))
    return (time.perf_counter() - debut) / len(codes)


def par_commande(codes: list[str]) -> float:
    """Secondes par diagnostic des deux commandes de Jupyter."""
    debut = time.perf_counter()
    for code in codes:
        with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
            ici = Path(provisoire)
            # -r et non -p : papermill ferait un entier de ce code.
            _lancer([_outil("papermill"), str(GABARIT), "c.ipynb", "-r", "code", code], ici)
            _lancer([_outil("jupyter"), "nbconvert", "--to", "html", "--no-input", "c.ipynb"], ici)
    return (time.perf_counter() - debut) / len(codes)


def _borne(codes: list[str], sortie: str) -> None:
    """Dans un processus à part : précharge, puis joue les seules cellules de chaque code dans une copie."""
    from cafdiag.restitution.carnet import Sorties

    interprete = precharger(str(GABARIT), {"code": codes[0]})
    cellules = [
        (c["metadata"].get("tags", []), "".join(c["source"]))
        for c in json.loads(GABARIT.read_text(encoding="utf-8"))["cells"]
        if c["cell_type"] == "code"
    ]
    durees = []
    for code in codes:
        lecture, ecriture = os.pipe()
        if os.fork() == 0:
            debut = time.process_time()
            interprete.sorties = Sorties(open(os.devnull, "wb"))  # noqa: SIM115
            interprete.sorties.ouvrir(0, [])
            for etiquettes, source in cellules:
                # Pas silent=True, qui n'en fait plus la mise en forme (3 à 7 % du temps des cellules).
                if not interprete.run_cell(source, store_history=False).success:
                    os._exit(1)
                if "parameters" in etiquettes:
                    interprete.user_ns["code"] = code
            os.write(ecriture, f"{time.process_time() - debut}".encode())
            os._exit(0)
        os.close(ecriture)
        os.wait()
        durees.append(float(os.read(lecture, 64)))
        os.close(lecture)
    Path(sortie).write_text(json.dumps(sum(durees) / len(durees)), encoding="utf-8")


def borne_basse(codes: list[str]) -> float:
    """Temps processeur des seules cellules, par diagnostic, divisé par le nombre de cœurs."""
    with tempfile.TemporaryDirectory() as ici:
        sortie = str(Path(ici) / "borne.json")
        environnement = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        _lancer_avec(environnement, [sys.executable, __file__, "--borne", sortie, *codes])
        return json.loads(Path(sortie).read_text(encoding="utf-8")) / places_par_defaut()


def _lancer_avec(variables: dict[str, str], commande: list[str]) -> None:
    essai = subprocess.run(
        commande, env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if essai.returncode:
        sys.exit(f"benchmarks : échec de la borne basse\n{essai.stderr[-2000:]}")


def principal() -> int:
    """Mesure, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # Comme sur un poste : sans cela, chaque commande recompilerait toute la bibliothèque.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    analyse.add_argument("--epci", type=int, default=30)
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--cli", type=int, default=5, help="diagnostics de l'échantillon en ligne de commande")
    analyse.add_argument("--contre", type=Path, metavar="ARBRE", help="une autre version de cafdiag : son dossier")
    analyse.add_argument("--departement", help="avec --contre : ses EPCI, au lieu de --epci")
    analyse.add_argument("--formats", default="html,ipynb", help="avec --contre ; « tous »")
    options = analyse.parse_args()
    codes = choisir(options.epci)
    if options.contre:
        if options.departement:
            codes = lister("epci", departement=options.departement)["code"].tolist()
        formats = ",".join(_formats_de(options.contre)) if options.formats == "tous" else options.formats
        contre(options.contre.resolve(), codes, formats, options.tours)
        return 0
    echantillon = _repartis(codes, min(options.cli, len(codes)))
    print(f"{len(codes)} EPCI, {options.tours} tour(s), {places_par_defaut()} cœur(s) ; "
          f"« commande » sur {len(echantillon)} d'entre eux, rapportée au diagnostic")
    mesures: dict[str, list[float]] = {"lot": [], "processus": [], "commande": [], "borne": []}
    cretes = []
    contexte = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=contexte, initializer=amorcer) as groupe:
        list(groupe.map(_ordinaire, codes[:2]))
        for tour in range(options.tours):
            actions = ["lot", "processus", "commande", "borne"]
            for action in actions if tour % 2 == 0 else reversed(actions):
                if action == "lot":
                    duree, _, crete = par_lot(codes)
                    cretes.append(crete)
                elif action == "processus":
                    duree = par_processus(groupe, codes)
                elif action == "commande":
                    duree = par_commande(echantillon)
                else:
                    duree = borne_basse(codes)
                mesures[action].append(duree)
    medianes = {nom: statistics.median(valeurs) for nom, valeurs in mesures.items()}
    for nom, valeurs in mesures.items():
        detail = ", ".join(f"{valeur:.2f}" for valeur in valeurs)
        print(f"{nom:12} médiane {medianes[nom]:6.2f} s par diagnostic   ({detail})")
    print(f"{3600 / medianes['lot']:.0f} diagnostics à l'heure ; mémoire de crête du lot : {max(cretes):.0f} Mo")
    rapports = {
        "commande": medianes["commande"] / medianes["lot"],
        "processus": medianes["processus"] / medianes["lot"],
        "borne": medianes["lot"] / medianes["borne"],
    }
    tenus = {
        nom: rapport <= EXIGENCES[nom] if nom == "borne" else rapport >= EXIGENCES[nom]
        for nom, rapport in rapports.items()
    }
    for nom, rapport in rapports.items():
        signe = "≤" if nom == "borne" else "≥"
        print(f"{nom:12} rapport {rapport:5.2f}, exigence {signe} {EXIGENCES[nom]} : "
              f"{'tenue' if tenus[nom] else 'NON TENUE'}")
    return 0 if all(tenus.values()) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--borne"]:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _borne(sys.argv[3:], sys.argv[2])
        sys.exit(0)
    sys.exit(principal())
