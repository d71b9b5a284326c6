"""« cafdiag secret verifier » : un dossier sain l'est, le même où l'on remet une case tue est percé."""

import csv
import json
import shutil
import sqlite3

import pytest

import cafdiag as cd
from cafdiag.cli import principal

CRAON = "200048551"
INDICATEUR = "PS_BASREV_ENF"


@pytest.fixture(scope="module")
def produit(tmp_path_factory):
    """Un dossier produit : les communes et l'EPCI, une commune trop petite et celle qui la cache ; et les vraies."""
    racine = tmp_path_factory.mktemp("verifier")
    siennes = cd.territoire(CRAON).communes
    effectifs = dict(zip(siennes, [3, 17, *range(40, 38 + len(siennes))], strict=True))
    with pytest.MonkeyPatch.context() as m:
        m.setenv("CAFDIAG_DONNEES", str(racine / "entrepot"))
        lignes = [("code", "maille", "grandeur", "annee", "valeur", "source")]
        lignes += [(c, "commune", "enfants_bas_revenus", 2024, n, "Caf") for c, n in effectifs.items()]
        with (racine / "activite.csv").open("w", encoding="utf-8", newline="") as flux:
            csv.writer(flux).writerows(lignes)
        assert principal(["donnees", "importer", str(racine / "activite.csv")]) == 0
        (racine / "dossier").mkdir()
        communes = cd.mesurer_maille("commune", [INDICATEUR], codes=siennes)
        communes.to_csv(racine / "dossier" / "communes.csv", index=False)
        cd.mesurer(CRAON, [INDICATEUR]).to_csv(racine / "dossier" / "epci.csv", index=False)
    tues = communes[communes["statut"].eq("secret")]
    assert tues["territoire"].tolist() == list(siennes[:2])
    return racine / "dossier", dict(zip(tues["territoire"], tues["nom"], strict=True)), effectifs


@pytest.fixture
def dossier(produit, tmp_path):
    """Une copie à abîmer."""
    return shutil.copytree(produit[0], tmp_path / "dossier")


def verifier(dossier, *options):
    """Le code de retour de la commande."""
    return principal(["secret", "verifier", str(dossier), *options])


def test_un_dossier_produit_est_sain(dossier, tmp_path, capsys):
    from cafdiag.restitution.images import png

    nue = png('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>', largeur_cm=1, ppp=50)
    (dossier / "photo.png").write_bytes(nue)
    certificat = tmp_path / "certificat.json"
    assert verifier(dossier, "--certificat", str(certificat), "--date", "2026-11-28") == 0
    dit = capsys.readouterr().out
    assert "Dossier sain" in dit and "2 cases tues" in dit and "Non lus : photo.png" in dit
    contenu = json.loads(certificat.read_text(encoding="utf-8"))
    assert (contenu["date"], contenu["donnees"], contenu["resultat"]) == ("2026-11-28", "2024-2024", "sain")
    premier = certificat.read_bytes()
    assert verifier(dossier, "--certificat", str(certificat), "--date", "2026-11-28") == 0
    assert certificat.read_bytes() == premier


def remettre_csv(dossier, code, nom, n):
    lignes = (dossier / "communes.csv").read_text(encoding="utf-8").splitlines()
    table = list(csv.DictReader(lignes))
    for r in table:
        if r["territoire"] == code:
            r |= {"valeur": n, "statut": "exact"}
    with (dossier / "communes.csv").open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.DictWriter(flux, list(table[0]))
        ecrivain.writeheader()
        ecrivain.writerows(table)


def remettre_numerateur(dossier, code, nom, n):
    """La valeur est tue, son numérateur, oublié."""
    lignes = (dossier / "communes.csv").read_text(encoding="utf-8").splitlines()
    table = list(csv.DictReader(lignes))
    table = [{"territoire": r["territoire"], "maille": "commune", "nom": r["nom"], "indicateur": r["indicateur"],
              "annee": r["annee"], "statut": "non_disponible", "numerateur": n} for r in table
             if r["territoire"] == code]
    with (dossier / "annexe.csv").open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.DictWriter(flux, list(table[0]))
        ecrivain.writeheader()
        ecrivain.writerows(table)


def proprietes(code, nom, n):
    return {"couche": "communes", "code": code, "nom": nom, INDICATEUR: n, f"{INDICATEUR}_annee": 2024,
            f"{INDICATEUR}_statut": "exact"}  # fmt: skip


def remettre_geojson(dossier, code, nom, n):
    entite = {"type": "Feature", "geometry": None, "properties": proprietes(code, nom, n)}
    texte = json.dumps({"type": "FeatureCollection", "features": [entite]})
    (dossier / "couches.geojson").write_text(texte, encoding="utf-8")


def remettre_gpkg(dossier, code, nom, n):
    p = proprietes(code, nom, n)
    lien = sqlite3.connect(dossier / "couches.gpkg")
    lien.execute("CREATE TABLE gpkg_contents (table_name TEXT)")
    lien.execute("INSERT INTO gpkg_contents VALUES ('communes')")
    lien.execute(f"CREATE TABLE communes ({', '.join(p)})")
    lien.execute(f"INSERT INTO communes VALUES ({', '.join('?' * len(p))})", list(p.values()))
    lien.commit()
    lien.close()


def tableau(nom, n):
    libelle = cd.dictionnaire().loc[INDICATEUR, "libelle_court"]
    return f"<table><tr><th>Commune</th><th>{libelle}</th></tr><tr><td>{nom}</td><td>{n}</td></tr></table>"


def remettre_html(dossier, code, nom, n):
    (dossier / "page.html").write_text(tableau(nom, n), encoding="utf-8")


def remettre_ipynb(dossier, code, nom, n):
    sorties = [{"output_type": "display_data", "data": {"text/html": tableau(nom, n)}, "metadata": {}}]
    carnet = {"cells": [{"cell_type": "code", "outputs": sorties, "source": ""}]}
    (dossier / "carnet.ipynb").write_text(json.dumps(carnet), encoding="utf-8")


def remettre_xlsx(dossier, code, nom, n):
    import openpyxl

    classeur = openpyxl.Workbook()
    feuille = classeur.active
    feuille.append(["Territoire", "Code", "Maille", "Code de l'indicateur", "Année", "Valeur", "Statut"])
    feuille.append([nom, code, "commune", INDICATEUR, 2024, n, "exact"])
    classeur.save(dossier / "tableur.xlsx")


def remettre_docx(dossier, code, nom, n):
    import docx

    document = docx.Document()
    table = document.add_table(2, 2)
    cellules = [["", nom], [cd.dictionnaire().loc[INDICATEUR, "libelle_court"], str(n)]]
    for i, ligne in enumerate(cellules):
        for j, texte in enumerate(ligne):
            table.cell(i, j).text = texte
    document.save(dossier / "rapport.docx")


def remettre_en_note(dossier, code, nom, n):
    """Dans une note de bas de page d'un docx, hors du corps."""
    import zipfile

    import docx

    document = docx.Document()
    document.save(dossier / "rapport.docx")
    cellules = [["", nom], [cd.dictionnaire().loc[INDICATEUR, "libelle_court"], str(n)]]
    rangs = "".join(
        f"<w:tr>{''.join(f'<w:tc><w:p><w:r><w:t>{c}</w:t></w:r></w:p></w:tc>' for c in ligne)}</w:tr>"
        for ligne in cellules
    )
    espace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    note = f'<w:footnotes xmlns:w="{espace}"><w:footnote w:id="1"><w:tbl>{rangs}</w:tbl></w:footnote></w:footnotes>'
    with zipfile.ZipFile(dossier / "rapport.docx", "a") as archive:
        archive.writestr("word/footnotes.xml", note)


def remettre_pdf(dossier, code, nom, n):
    from cafdiag.restitution.document import Case, Document, Section, Table, mots
    from cafdiag.restitution.rendu_pdf import pdf

    libelle = cd.dictionnaire().loc[INDICATEUR, "libelle_court"]
    lignes = tuple(tuple(Case(mots(c)) for c in ligne) for ligne in (("Commune", libelle), (nom, str(n))))
    ecrit = Document("T", "", elements=(Section("Ici", (Table("", "", (), lignes),)),))
    (dossier / "rapport.pdf").write_bytes(pdf(ecrit))


def presentation():
    import pptx

    document = pptx.Presentation()
    return document, document.slides.add_slide(document.slide_layouts[5])


def remettre_pptx(dossier, code, nom, n):
    document, diapositive = presentation()
    table = diapositive.shapes.add_table(2, 2, 0, 0, 9_000_000, 900_000).table
    cellules = [["", nom], [cd.dictionnaire().loc[INDICATEUR, "libelle_court"], str(n)]]
    for i, ligne in enumerate(cellules):
        for j, texte in enumerate(ligne):
            table.cell(i, j).text = texte
    document.save(dossier / "copil.pptx")


def remettre_graphique(dossier, code, nom, n):
    """Un graphique natif : ses nombres sont dans le fichier, affichés ou non."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    document, diapositive = presentation()
    donnees = CategoryChartData()
    donnees.categories = [nom]
    donnees.add_series(cd.dictionnaire().loc[INDICATEUR, "libelle_court"], [n])
    diapositive.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 9_000_000, 900_000, donnees)
    document.save(dossier / "copil.pptx")


def dessin(nom, n):
    libelle = cd.dictionnaire().loc[INDICATEUR, "libelle"]
    dite = f"{libelle}, 2024. 36 territoires, de {n} ({nom}) à 5000 enfants (Ailleurs). Secret : une commune."
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><desc>{dite}</desc></svg>'


def remettre_svg(dossier, code, nom, n):
    (dossier / "carte.svg").write_text(dessin(nom, n), encoding="utf-8")


def remettre_png(dossier, code, nom, n):
    from cafdiag.restitution.images import png

    (dossier / "carte.png").write_bytes(png(dessin(nom, n), largeur_cm=1, ppp=50))


@pytest.mark.parametrize(
    "remettre",
    [remettre_csv, remettre_numerateur, remettre_geojson, remettre_gpkg, remettre_html, remettre_ipynb,
     remettre_xlsx, remettre_docx, remettre_en_note,
     remettre_pdf, remettre_pptx, remettre_graphique, remettre_svg, remettre_png],
)  # fmt: skip
def test_une_case_remise_perce_le_dossier(produit, dossier, capsys, remettre):
    """Remise, la case cachée pour une autre livre l'autre : 3, qui n'est écrit nulle part."""
    _, tues, effectifs = produit
    petite, grande = tues
    remettre(dossier, grande, tues[grande], effectifs[grande])
    assert verifier(dossier) == 1
    dit = capsys.readouterr().out
    assert "Dossier percé" in dit
    assert any(f"({petite})" in ligne and "vaut 3" in ligne for ligne in dit.splitlines()), dit


def test_une_petite_case_montree_est_dite(produit, dossier, capsys):
    _, tues, _ = produit
    petite = next(iter(tues))
    remettre_csv(dossier, petite, tues[petite], 3)
    assert verifier(dossier) == 1
    assert "montrée sous le seuil" in capsys.readouterr().out


def test_deux_dossiers_sains_se_trahissent_ensemble(dossier, produit, tmp_path, capsys):
    """L'un tait deux communes et leur somme ; l'autre, déjà montré, dit la somme et l'une des deux."""
    _, tues, effectifs = produit
    deja = tmp_path / "deja"
    deja.mkdir()
    shutil.move(dossier / "epci.csv", deja / "epci.csv")
    petite, autre = tues
    assert (effectifs[petite], effectifs[autre]) == (3, 17)
    with (dossier / "communes.csv").open(encoding="utf-8", newline="") as flux:
        [ligne] = [r for r in csv.DictReader(flux) if r["territoire"] == autre]
    with (deja / "une.csv").open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.DictWriter(flux, list(ligne))
        ecrivain.writeheader()
        ecrivain.writerow(ligne | {"valeur": 17, "statut": "exact"})
    assert verifier(dossier) == verifier(deja) == 0
    capsys.readouterr()
    assert verifier(dossier, str(deja)) == 1
    dit = capsys.readouterr().out
    assert f"{tues[petite]}" in dit and "vaut 3" in dit and "deja/epci.csv" in dit


def test_le_reste_d_un_total_perce_le_dossier(dossier, capsys):
    """Une commune que personne n'a déclarée : l'EPCI moins toutes les autres la rend, et rien ne la dit tue."""
    lignes = list(csv.DictReader((dossier / "epci.csv").read_text(encoding="utf-8").splitlines()))
    siennes = cd.territoire(CRAON).communes
    communes = {c: 20 + rang for rang, c in enumerate(siennes[1:])}

    def ecrire(reste):
        total = sum(communes.values()) + reste
        table = [{**lignes[0], "valeur": total, "numerateur": total, "statut": "exact"}]
        table += [{**lignes[0], "territoire": c, "maille": "commune", "nom": cd.territoire(c).nom, "valeur": n,
                   "numerateur": n, "statut": "exact"} for c, n in communes.items()]
        for fichier, siens in (("epci.csv", table[:1]), ("communes.csv", table[1:])):
            with (dossier / fichier).open("w", encoding="utf-8", newline="") as flux:
                ecrivain = csv.DictWriter(flux, list(lignes[0]))
                ecrivain.writeheader()
                ecrivain.writerows(siens)

    ecrire(3)
    assert verifier(dossier) == 1 and "hors de ce que le dossier en montre" in capsys.readouterr().out
    ecrire(8)
    assert verifier(dossier) == 0


def test_un_nom_abrege_ne_fait_pas_se_contredire_des_chiffres_publics(dossier, capsys):
    """« Ernée », dans un graphique, est l'intercommunalité ; la commune aussi se nomme ainsi."""
    entete = "territoire,maille,nom,indicateur,annee,valeur,statut"
    lignes = ["53096,commune,Ernée,CTX_POP,2023,5499,exact", "245300355,epci,CC de l'Ernée,CTX_POP,2023,20303,exact"]
    (dossier / "annexe.csv").write_text("\n".join([entete, *lignes]), encoding="utf-8")
    libelle = cd.dictionnaire().loc["CTX_POP", "libelle_court"]
    page = f"<table><tr><th>EPCI</th><th>{libelle}</th></tr><tr><td>Ernée</td><td>20 303</td></tr></table>"
    (dossier / "vue.html").write_text(page, encoding="utf-8")
    assert verifier(dossier) == 0 and "Dossier sain" in capsys.readouterr().out


def test_un_dossier_vide_un_fichier_illisible_une_date_fausse(dossier, tmp_path, capsys):
    (tmp_path / "vide").mkdir()
    for arguments, code, dit in (
        ([str(tmp_path / "vide")], 1, "aucune mesure à vérifier"),
        ([str(tmp_path / "absent")], 2, "dossier introuvable"),
        ([str(dossier), "--date", "hier"], 2, "AAAA-MM-JJ"),
    ):
        assert principal(["secret", "verifier", *arguments]) == code
        assert dit in capsys.readouterr().err
    for nom in ("a.csv", "b.gpkg", "c.xlsx", "d.docx", "e.json", "f.html", "g.ipynb", "h.pdf", "i.pptx", "j.svg",
                "k.png"):
        (dossier / nom).write_bytes(b'\xff\x00"abime')
    assert verifier(dossier) == 1
    dit = capsys.readouterr().out
    assert "Dossier à revoir" in dit and dit.count("Illisible :") == 11
