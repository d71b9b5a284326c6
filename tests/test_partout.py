"""Mêmes octets partout : ni les polices, ni l'heure, ni la langue, ni les réglages de la machine ne passent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent
FORMATS = ("html", "docx", "pdf", "xlsx", "gpkg", "geojson", "ipynb")
# Des réglages que rien n'interdit d'avoir, et qui changeraient les traits, les tables ou le noyau.
MATPLOTLIBRC = (
    "lines.linewidth: 7\nhatch.color: red\nsavefig.bbox: tight\nsvg.fonttype: path\nlines.antialiased: False\n"
    "path.sketch: 1, 100, 2\n"
)
DEMARRAGE = (
    "import pandas\npandas.set_option('future.infer_string', False)\nprint('Bonjour')\n"
    "import sys; print('Attention', file=sys.stderr)\n"
)
IPYTHON = "c = get_config()\nc.InteractiveShell.ast_node_interactivity = 'all'\n"


def _ecrire(chemin: Path, texte: str) -> None:
    chemin.parent.mkdir(parents=True, exist_ok=True)
    chemin.write_text(texte, encoding="utf-8")


def _machine_d_ailleurs(ici: Path) -> dict[str, str]:
    """Un poste dont tout diffère : fuseau, langue, polices, hachage, réglages de l'utilisateur et du dossier."""
    maison = ici / "maison"
    _ecrire(maison / ".config/matplotlib/matplotlibrc", MATPLOTLIBRC)
    _ecrire(ici / "matplotlibrc", MATPLOTLIBRC)
    _ecrire(maison / ".ipython/profile_default/startup/00-les-miens.py", DEMARRAGE)
    _ecrire(maison / ".ipython/profile_default/ipython_config.py", IPYTHON)
    faux = {"argv": ["/bin/false"], "display_name": "Le mien", "language": "python"}
    _ecrire(maison / ".local/share/jupyter/kernels/python3/kernel.json", json.dumps(faux))
    _ecrire(ici / "fontes/fonts.conf", "<fontconfig></fontconfig>")
    return {
        "HOME": str(maison),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "C",
        "LANGUAGE": "tr",
        "PYTHONHASHSEED": "7",
        "FONTCONFIG_FILE": str(ici / "fontes/fonts.conf"),
        "FONTCONFIG_PATH": str(ici / "fontes"),
        "OMP_NUM_THREADS": "1",
        "PROJ_NETWORK": "ON",
        "PROJ_DATA": str(ici),
        "GDAL_DATA": str(ici),
        "COLUMNS": "40",
    }


def _machine_d_ici(ici: Path) -> dict[str, str]:
    """Un poste neuf : une maison vide, et rien d'autre."""
    (ici / "maison").mkdir(parents=True)
    return {"HOME": str(ici / "maison"), "TZ": "UTC", "LANG": "C.UTF-8", "PYTHONHASHSEED": "1"}


def _produire(ici: Path, variables: dict[str, str], commandes: list[list[str]]) -> dict[str, bytes]:
    """Ce que la commande écrit et affiche, lancée depuis ce dossier."""
    gardees = {v: os.environ[v] for v in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if v in os.environ}
    env = gardees | {"PYTHONPATH": str(RACINE), "CAFDIAG_DONNEES": str(ici / "donnees")} | variables
    produits = {}
    for rang, commande in enumerate(commandes):
        fini = subprocess.run(
            [sys.executable, "-P", "-m", "cafdiag", *commande], cwd=ici, env=env, capture_output=True
        )
        assert fini.returncode == 0, fini.stderr.decode("utf-8", "replace")
        produits[f"affichage {rang}"] = fini.stdout.replace(b"\\", b"/")
    return produits | {f.name: f.read_bytes() for f in (ici / "sortie").rglob("*") if f.is_file()}


@pytest.mark.lent
@pytest.mark.skipif(os.name == "nt", reason="HOME et fontconfig n'y décident de rien")
def test_deux_machines_que_tout_separe_donnent_les_memes_octets(tmp_path):
    commandes = [
        ["diagnostic", "200048551", "--sortie", "sortie", "--formats", ",".join((*FORMATS, "note", "pptx", "fiches"))],
        ["departement", "2A", "--sortie", "sortie"],
    ]
    (tmp_path / "ailleurs").mkdir()
    ici = _produire(tmp_path / "ici", _machine_d_ici(tmp_path / "ici"), commandes)
    ailleurs = _produire(tmp_path / "ailleurs", _machine_d_ailleurs(tmp_path / "ailleurs"), commandes)
    assert {*(f"diagnostic-200048551.{f}" for f in FORMATS), "note-200048551.html", "note-200048551.pdf",
            "copil-200048551.pptx", "fiches-200048551.docx", "actions-200048551.xlsx"} <= set(ici)  # fmt: skip
    assert [nom for nom in sorted(ici.keys() | ailleurs.keys()) if ici.get(nom) != ailleurs.get(nom)] == []


def test_aucune_police_du_systeme():
    """Le pdf n'emploie que les polices livrées, et les deux premières familles suffisent à nos textes."""
    import io

    import pypdf

    from cafdiag.restitution.document import Document, Section, paragraphe
    from cafdiag.restitution.images import POLICES, polices
    from cafdiag.restitution.rendu_pdf import pdf

    livrees = polices()
    assert set(POLICES) <= set(livrees.families())
    assert all(RACINE in Path(f.path).parents or Path(sys.prefix) in Path(f.path).parents for f in livrees.fonts())
    ecrits = Section("Œuvre", paragraphe("L’été, 79,9 % : « Crèche » → ≥ − ⌈x⌉") + paragraphe("n.d.", allure="note"))
    lu = pypdf.PdfReader(io.BytesIO(pdf(Document("T", "", elements=(ecrits,)))))
    noms = {str(police["/BaseFont"]) for page in lu.pages for police in _polices_de(page)}
    assert noms and all(any(p.replace(" ", "") in nom for p in POLICES) for nom in noms), noms


def _polices_de(page) -> list:
    return [p.get_object() for p in page["/Resources"]["/Font"].get_object().values()]
