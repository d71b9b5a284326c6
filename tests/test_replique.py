"""La prise par la commande, devant la réplique des producteurs, puis vingt EPCI de toutes sortes sur cet entrepôt.

Chaque somme est refaite ici par pandas seul, à partir des fichiers servis.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pandas as pd
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from replique.monde import DEPARTEMENT, EPCI, REGION
from replique.serveur import detourner, engendrer, servir

from cafdiag import cli
from cafdiag.donnees import catalogue
from cafdiag.donnees.transport import enregistrements
from cafdiag.magasin import lire_table

PERIMETRE = "2A004+2A006+2A249"
INDICATEURS = ("CTX_POP", "PE_NAISS", "PE_NB_EAJE", "PE_NB_MICRO", "PS_RSA", "PS_COUV_POP", "PS_QF_INF800",
               "CTX_PART_0_14", "EJ_ALSH_IMPLANT_311", "PE_TXCOUV_GLOBAL")


@pytest.fixture(scope="module")
def fichiers(tmp_path_factory):
    return engendrer(tmp_path_factory.mktemp("replique"), nationale=False).parent


@pytest.fixture(scope="module")
def entrepot(fichiers, tmp_path_factory):
    """L'entrepôt que laisse « cafdiag donnees telecharger », et ce qu'elle a dit de chaque source."""
    donnees = tmp_path_factory.mktemp("entrepot")
    with pytest.MonkeyPatch.context() as ici, servir(fichiers / "adresses.json") as base:
        ici.setenv("CAFDIAG_DONNEES", str(donnees))
        ici.delenv("CAFDIAG_CACHE", raising=False)
        ici.setattr(requests.adapters.HTTPAdapter, "send", detourner(base))
        sortie = io.StringIO()
        ici.setattr("sys.stderr", sortie)
        assert cli.principal(["donnees", "telecharger"]) == 0, sortie.getvalue()
        yield donnees, sortie.getvalue()


@pytest.fixture
def mesures(entrepot, capsys, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(entrepot[0]))

    def lire(code):
        demandes = [m for i in INDICATEURS for m in ("-i", i)]
        assert cli.principal(["mesurer", code, *demandes, "--format", "json"]) == 0
        return {ligne["indicateur"]: ligne for ligne in json.loads(capsys.readouterr().out)}

    return lire


def _csv(chemin, **autres):
    return pd.read_csv(chemin, sep=";", dtype=str, encoding="utf-8-sig", keep_default_na=False, **autres)


def _dans_zip(chemin, debut):
    with zipfile.ZipFile(chemin) as archive:
        nom = next(n for n in archive.namelist() if n.rpartition("/")[2].startswith(debut) and "meta" not in n)
        return _csv(io.BytesIO(archive.read(nom)))


@pytest.fixture(scope="module")
def publies(fichiers):
    """Ce que le fichier servi publie à l'EPCI, arrondi une seule fois ; un reste d'un foyer n'en est pas."""
    table = _csv(fichiers / "s_ben_epci_f.csv")
    table = table[table["dtreffre"].eq("2024-12") & table["indfoy_ndur"].ne("1")].drop_duplicates()
    return table.set_index("numepci").filter(like="ind").astype(float)


@pytest.fixture(scope="module")
def sommes(fichiers):
    """Ce que les fichiers servis donnent à chaque commune, les arrondissements réunis à leur ville."""
    reference = lire_table("communes").set_index("code")
    ville = reference["commune_mere"].dropna().to_dict()

    def par_commune(table, code, valeur):
        return valeur.astype(float).groupby(table[code].replace(ville)).sum()

    bpe = _dans_zip(fichiers / "bpe.zip", "BPE")
    un = pd.Series(1.0, index=bpe.index)
    colonnes = {t: par_commune(bpe, "DEPCOM", un.where(bpe["TYPEQU"].eq(t), 0.0)) for t in ("D502", "D509", "D505")}
    prestations = _csv(fichiers / "s_ben_com_f.csv")
    derniere = prestations[prestations["dtreffre"].eq("2024-12") & prestations["numcomdo"].ne("")]
    derniere = derniere[derniere["indfoy_ndur"].ne("")]
    for nom in ("indfoy_ndur", "indfoy_rsa", "indnbp_ndur"):
        colonnes[nom] = par_commune(derniere, "numcomdo", derniere[nom])
    qf = _csv(fichiers / "ndur_s_qf_400_com_f.csv")
    qf = qf[qf["dtreffre"].eq("2024-12")]
    bas = qf["qf_400"].isin(["Moins de 400 euros", "Entre 400 et 799 euros"])
    colonnes["qf_bas"] = par_commune(qf[bas], "numcomdo", qf["indfoy_ndur"][bas])
    connu = qf["qf_400"].ne("Inconnu")
    colonnes["qf_connu"] = par_commune(qf[connu], "numcomdo", qf["indfoy_ndur"][connu])
    ages = _dans_zip(fichiers / "age_iris.zip", "base-ic")
    colonnes["0_14"] = par_commune(ages, "COM", ages["P22_POP0014"])
    naissances = _dans_zip(fichiers / "naissances.zip", "DS_ETAT")
    naissances = naissances[naissances["GEO_OBJECT"].eq("COM")]
    ans = {a: naissances[naissances["TIME_PERIOD"].eq(str(a))] for a in (2023, 2024)}
    for an, lignes in ans.items():
        colonnes[f"naissances_{an}"] = lignes["OBS_VALUE"].astype(float).groupby(lignes["GEO"]).sum()
    return pd.DataFrame(colonnes)


def _membres(code):
    communes = lire_table("communes")
    communes = communes[communes["type"].eq("COM")]
    if "+" in code:
        return code.split("+")
    if code == "FR":
        return communes["code"].tolist()
    colonne = "region" if code.startswith("region:") else "epci" if len(code) == 9 else "departement"
    return communes.loc[communes[colonne].eq(code.removeprefix("region:")), "code"].tolist()


def test_la_prise(entrepot, fichiers):
    donnees, dit = entrepot
    d_office = len(catalogue.choisir())
    assert dit.count("[nouveau]") == d_office, dit
    for mot in ("[refus]", "[échec]", "impossible", "lecture refusée"):
        assert mot not in dit, dit
    entrees = json.loads((donnees / "manifeste.json").read_text(encoding="utf-8"))["entrees"]
    assert len(entrees) == d_office + 2  # la BPE fait deux tables, Filosofi aussi
    for entree in entrees.values():
        compte = entree["compte"]
        assert compte["lues"] == compte["gardees"] + compte["rejetees"] + sum(compte["de_cote"].values()), entree


@pytest.mark.parametrize("code", [*EPCI, DEPARTEMENT, f"region:{REGION}", PERIMETRE])
def test_sommes_justes(code, mesures, sommes, publies):
    lues, membres = mesures(code), _membres(code)
    assert membres
    ici = sommes.reindex(membres)
    mayotte = lire_table("communes").set_index("code")["departement"].reindex(membres).eq("976").all()
    # Une liste exhaustive : une commune sans ligne n'a aucun équipement.
    for indicateur, colonne in (("PE_NB_EAJE", "D502"), ("PE_NB_MICRO", "D509")):
        assert lues[indicateur]["valeur"] == ici[colonne].fillna(0).sum(), indicateur
        assert lues[indicateur]["statut"] == "exact"
    assert lues["EJ_ALSH_IMPLANT_311"]["numerateur"] in (None, ici["D505"].fillna(0).sum())
    naissances = lues["PE_NAISS"]
    if naissances["annee"] in (2023, 2024):  # les quatre départements embarqués ont 2025
        assert naissances["valeur"] == ici[f"naissances_{naissances['annee']}"].sum()
    if mayotte:
        for muet in ("PS_RSA", "PS_COUV_POP", "PS_QF_INF800", "CTX_PART_0_14"):
            assert lues[muet]["statut"] == "non_disponible" and lues[muet]["motif"], muet
        return
    vide = ici["indfoy_ndur"].isna()
    # Une fusion est la somme des EPCI publiés qu'elle réunit.
    communes = lire_table("communes").set_index("code")
    anciens = communes.loc[membres, "epci_2025"].fillna(communes.loc[membres, "epci"]).unique()
    a_l_epci = len(code) == 9 and set(anciens) <= set(publies.index)
    foyers = publies.loc[anciens].sum() if a_l_epci else ici.sum()
    if vide.any() and not a_l_epci:
        # Une commune publiée sans chiffre : le taux est tu ou encadré, jamais calculé sans elle.
        assert lues["PS_RSA"]["statut"] != "exact"
    else:
        qf = lues["PS_QF_INF800"]
        if qf["valeur"] is not None:
            assert (qf["numerateur"], qf["denominateur"]) == (ici["qf_bas"].sum(), ici["qf_connu"].sum())
        rsa = lues["PS_RSA"]
        assert (rsa["numerateur"], rsa["denominateur"]) == (foyers["indfoy_rsa"], foyers["indfoy_ndur"])
        assert rsa["valeur"] == pytest.approx(100 * foyers["indfoy_rsa"] / foyers["indfoy_ndur"])
        assert lues["PS_COUV_POP"]["numerateur"] == foyers["indnbp_ndur"]
    if lues["CTX_PART_0_14"]["annee"] == 2022:
        assert lues["CTX_PART_0_14"]["numerateur"] == pytest.approx(ici["0_14"].sum())


def test_la_france(mesures, sommes):
    """Ce qui est national se somme ; ce que la réplique réduite ne donne qu'en partie ne passe pas pour la France."""
    lues = mesures("FR")
    for indicateur, colonne in (("PE_NB_EAJE", "D502"), ("PE_NB_MICRO", "D509")):
        assert lues[indicateur]["valeur"] == sommes[colonne].sum(), indicateur
    assert lues["PE_NAISS"]["annee"] == 2024
    assert lues["PE_NAISS"]["valeur"] == sommes["naissances_2024"].sum() == 659_731
    assert lues["PS_RSA"]["statut"] != "exact" and lues["PS_RSA"]["valeur"] is None
    assert lues["PE_TXCOUV_GLOBAL"]["valeur"] is not None


def test_le_rapport_d_une_fusion_se_compose(entrepot, tmp_path, monkeypatch):
    """Le rapport d'une intercommunalité née d'une fusion, sur l'entrepôt que laisse la prise."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(entrepot[0]))
    assert cli.principal(["diagnostic", "992367730", "--sortie", str(tmp_path)]) == 0
    assert (tmp_path / "diagnostic-992367730.html").stat().st_size > 100_000


@pytest.mark.parametrize("morceaux", [
    ['a;b\n', '1;2\n', '\n', '3;4'], ['a;b\r\n', '"1\n2";3\r\n'], ['a;b\n', '"x;y";2\n', '"z";1\n'],
    ['a;b\n', 'x";"y\n', '1;2\n'], ['a;b\n', '"il dit ""non""";2\n'], ['a;b\n'], ['a;b\n', '\n\n\n'],
])
def test_enregistrements_d_un_texte(tmp_path, morceaux):
    _comparer(tmp_path / "t.csv", "".join(morceaux))


@given(st.lists(st.sampled_from(["1;2\n", '"a";"b"\n', '"a\nb";c\n', "\n", "\r\n", 'x"y;z\n', '"p""q";1\r\n', '";"\n',
                                 "fin;1"]), max_size=12))
def test_enregistrements_comme_le_lecteur_de_csv(tmp_path_factory, lignes):
    _comparer(tmp_path_factory.mktemp("csv") / "t.csv", "a;b\n" + "".join(lignes))


def _comparer(chemin, texte):
    chemin.write_bytes(texte.encode())
    attendus = [r for r in csv.reader(io.StringIO(texte.partition("\n")[2], newline=""), delimiter=";") if r]
    assert enregistrements(chemin)[1] == len(attendus), texte
