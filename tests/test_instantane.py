"""L'instantané T0 : figé, lisible, rejouable à l'octet ; ce qui a changé, et ce qui ne peut pas se dire."""

import json
import re

import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import EntreeFautive

CRAON = "200048551"
QUELQUES = [
    "PE_TXCOUV_GLOBAL",
    "PE_MODE_DOMINANT",
    "PE_NAISS",
    "PS_COUV_POP",
    "CTX_POP",
    "CTX_DENSITE",
    "AVS_QPV_COUV",
]


@pytest.fixture
def fige(tmp_path):
    return cd.figer(CRAON, tmp_path / "t0.json", indicateurs=QUELQUES)


def retoucher(fichier, retouche):
    t0 = json.loads(fichier.read_text(encoding="utf-8"))
    retouche(t0)
    fichier.write_text(json.dumps(t0), encoding="utf-8")
    return fichier


def changer(fichier, code, **champs):
    def retouche(t0):
        next(m for m in t0["mesures"] if m["indicateur"] == code).update(champs)

    return retoucher(fichier, retouche)


def constat(fichier, code):
    return cd.evaluer(fichier).table.set_index("indicateur").loc[code]


def test_memes_octets(tmp_path, fige):
    autre = cd.figer(CRAON, tmp_path / "autre.json", indicateurs=QUELQUES)
    assert autre.read_bytes() == fige.read_bytes()


def test_l_instantane_se_suffit(fige):
    t0 = json.loads(fige.read_text(encoding="utf-8"))
    assert t0["cog"] == 2026 and len(t0["territoire"]["communes"]) == 37
    assert len(t0["donnees"]["embarquees"]) == 64 and t0["donnees"]["entrepot"] == {}
    mesures = {m["indicateur"]: m for m in t0["mesures"]}
    assert (
        mesures["PE_TXCOUV_GLOBAL"]["valeur"] == 79.9 and mesures["PE_TXCOUV_GLOBAL"]["serie"] == "courante"
    )
    # Un manquant est nul, jamais zéro, et son motif reste.
    assert mesures["AVS_QPV_COUV"]["valeur"] is None and mesures["AVS_QPV_COUV"]["motif"]
    assert all(m["statut"] and m["source"] for m in t0["mesures"])


def test_rien_n_a_change(fige):
    evaluation = cd.evaluer(fige)
    table = evaluation.table.set_index("indicateur")
    assert table["constat"].drop("AVS_QPV_COUV").eq("même année").all()
    assert (
        table.at["AVS_QPV_COUV", "constat"] == "non mesuré"
        and "aucun quartier" in table.at["AVS_QPV_COUV", "motif"]
    )
    assert evaluation.remarques == ("les données n'ont pas changé depuis l'instantané",)


def test_un_ecart_dans_l_arrondi_n_est_pas_une_evolution(fige):
    # 79,9 aujourd'hui ; 79,8 hier est à ± 0,05 près la même chose, 79,7 ne l'est pas.
    meme = constat(changer(fige, "PE_TXCOUV_GLOBAL", annee=2022, valeur=79.8), "PE_TXCOUV_GLOBAL")
    assert meme["constat"] == "dans l'incertitude" and meme["dans_l_incertitude"]
    hausse = constat(changer(fige, "PE_TXCOUV_GLOBAL", valeur=79.7), "PE_TXCOUV_GLOBAL")
    assert hausse["constat"] == "hausse" and not hausse["dans_l_incertitude"]
    assert hausse["ecart"] == pytest.approx(0.2)


def test_un_encadrement_commun_se_tait(fige):
    ligne = constat(changer(fige, "PS_COUV_POP", annee=2023, valeur=40.0, bas=30.0, haut=50.0), "PS_COUV_POP")
    assert ligne["constat"] == "dans l'incertitude"


def test_une_estimation_sans_incertitude_le_dit(fige):
    ligne = constat(changer(fige, "CTX_DENSITE", annee=2020, valeur=1.0), "CTX_DENSITE")
    assert (
        ligne["constat"] == "hausse"
        and ligne["dans_l_incertitude"] is None
        and "pas chiffrée" in ligne["motif"]
    )


def test_deux_series_ne_se_comparent_pas(fige):
    ligne = constat(
        changer(fige, "PE_TXCOUV_GLOBAL", annee=2021, valeur=70.0, serie="hist"), "PE_TXCOUV_GLOBAL"
    )
    assert ligne["constat"] == "rupture" and ligne["ecart"] != ligne["ecart"]


def test_une_rupture_de_definition(tmp_path):
    fichier = cd.figer("53130", tmp_path / "t0.json", indicateurs=["PE_NB_EAJE"])
    ligne = constat(changer(fichier, "PE_NB_EAJE", annee=2024, valeur=10), "PE_NB_EAJE")
    assert ligne["constat"] == "rupture" and "micro-crèches" in ligne["motif"]


def test_une_meme_annee_revisee(fige):
    assert constat(changer(fige, "CTX_POP", valeur=1), "CTX_POP")["constat"] == "révisé"


def test_apparus_disparus(fige):
    changer(fige, "CTX_POP", valeur=None, statut="non_disponible")
    changer(fige, "PE_NAISS", indicateur="PE_ABANDONNE")
    table = cd.evaluer(fige).table.set_index("indicateur")
    assert table.at["CTX_POP", "constat"] == "désormais mesuré"
    assert table.at["PE_ABANDONNE", "constat"] == "disparu" and table.at["PE_NAISS", "constat"] == "nouveau"
    changer(fige, "AVS_QPV_COUV", valeur=50.0, statut="exact", annee=2020)
    assert constat(fige, "AVS_QPV_COUV")["constat"] == "plus mesuré"


def test_le_perimetre_a_change(fige):
    retoucher(fige, lambda t0: t0["territoire"]["communes"].__setitem__(0, "53130"))
    remarques = " ".join(cd.evaluer(fige).remarques)
    assert "communes entrées" in remarques and "communes sorties : 53130" in remarques
    # Ni « révisé », ni « hausse » : ce n'est plus le même territoire.
    habitants = constat(changer(fige, "CTX_POP", valeur=1), "CTX_POP")
    assert habitants["constat"] == "autre périmètre" and "communes" in habitants["motif"]
    assert constat(fige, "PE_TXCOUV_GLOBAL")["constat"] == "même année"


def test_autre_version_et_registre_absent(fige):
    def retouche(t0):
        t0["cafdiag"] = "0.0.1"
        t0["cog"] = 2024
        t0["donnees"]["registre"] = "abc"

    remarques = " ".join(cd.evaluer(retoucher(fige, retouche)).remarques)
    assert "0.0.1" in remarques and "COG 2024" in remarques and "registre" in remarques


def test_les_options_de_l_instantane_sont_reprises(tmp_path):
    fichier = cd.figer(
        "49", tmp_path / "t0.json", indicateurs=["EJ_ALSH_PART_X_KM"], options=cd.Options(distance_alsh_km=1)
    )
    ligne = constat(fichier, "EJ_ALSH_PART_X_KM")
    assert "1 km" in ligne["libelle"] and ligne["constat"] == "même année"


def test_region_et_perimetre_se_retrouvent(tmp_path):
    for numero, cible in enumerate(("region:52", "53012+53084")):
        fichier = cd.figer(cible, tmp_path / f"{numero}.json", indicateurs=["CTX_POP"])
        assert cd.evaluer(fichier).territoire == cd.territoire(cible)


@pytest.mark.parametrize(
    ("contenu", "defaut"),
    [
        ("pas du json", "illisible"),
        ("[]", "n'est pas un instantané"),
        ('{"format": "autre"}', "n'est pas un instantané"),
        ('{"format": "cafdiag-t0-1"}', "« mesures » absent"),
    ],
)
def test_fichier_fautif(tmp_path, contenu, defaut):
    fichier = tmp_path / "t0.json"
    fichier.write_text(contenu, encoding="utf-8")
    with pytest.raises(EntreeFautive, match=defaut):
        cd.evaluer(fichier)


def test_tous_les_defauts_d_un_coup(fige):
    def retouche(t0):
        t0["options"]["magie"] = 1
        t0["mesures"][0]["valeur"] = "beaucoup"
        del t0["mesures"][1]["indicateur"]
        del t0["territoire"]["nom"]

    with pytest.raises(EntreeFautive) as erreur:
        cd.evaluer(retoucher(fige, retouche))
    assert len(erreur.value.defauts) == 4


def test_un_indicateur_mesure_deux_fois_est_refuse(fige):
    def retouche(t0):
        t0["mesures"].append(t0["mesures"][0])

    with pytest.raises(EntreeFautive, match="« PE_TXCOUV_GLOBAL » mesuré 2 fois"):
        cd.evaluer(retoucher(fige, retouche))


def test_en_ligne_de_commande(tmp_path, capsys):
    fichier = tmp_path / "t0.json"
    assert principal(["figer", CRAON, "-i", "PE_TXCOUV_GLOBAL", "--sortie", str(fichier)]) == 0
    assert capsys.readouterr().out.strip() == str(fichier)
    assert principal(["evaluer", str(fichier), "--format", "json"]) == 0
    sortie = capsys.readouterr()
    assert json.loads(sortie.out)[0]["constat"] == "même année" and "n'ont pas changé" in sortie.err
    assert principal(["evaluer", str(fichier)]) == 0
    dit = capsys.readouterr().out
    assert "aucun indicateur n'a bougé" in dit and "1 indicateur n'a pas bougé (même année : 1)" in dit
    assert principal(["serie", CRAON, "PE_TXCOUV_GLOBAL", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["serie"] == "courante"
    assert principal(["decomposer", CRAON, "2022", "2023", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["statut"] == "non_disponible"
    assert principal(["evaluer", str(tmp_path / "absent.json")]) == 2


def test_en_texte_ne_dit_que_ce_qui_a_bouge(tmp_path, capsys):
    fichier = tmp_path / "t0.json"
    codes = ("PE_TXCOUV_EAJE", "PE_TXCOUV_AM", "PE_NAISS", "PE_PARENTS_EMPLOI", "CTX_POP")
    assert principal(["figer", CRAON, *(m for c in codes for m in ("-i", c)), "--sortie", str(fichier)]) == 0
    t0 = json.loads(fichier.read_text(encoding="utf-8"))
    for m in t0["mesures"]:
        m |= {"PE_TXCOUV_EAJE": {"annee": 2022, "valeur": 8.0, "millesime": "décembre 2022"},
              "PE_TXCOUV_AM": {"annee": 2022, "valeur": 62.0, "millesime": "décembre 2022"},
              "PE_NAISS": {"annee": 2020, "valeur": 1300.0, "millesime": "2020", "serie": "ancienne"},
              "PE_PARENTS_EMPLOI": {"annee": 2020, "valeur": 71.0, "statut": "exact"}}.get(m["indicateur"], {})
    fichier.write_text(json.dumps(t0), encoding="utf-8")
    capsys.readouterr()
    assert principal(["evaluer", str(fichier)]) == 0
    dit = capsys.readouterr().out
    bouge, suite = dit.split("Ne se comparent pas :")
    assert bouge.startswith("CC du Pays de Craon : 2 indicateurs ont bougé")
    assert "8,0 (2022) → 9,6 (2023) : hausse (+1,6)" in bouge and "71,0 (2020) → n.d. : plus mesuré" in bouge
    assert "PE_NAISS" in suite and "1 300 (2020)" in suite and "rupture" in suite
    assert "2 indicateurs n'ont pas bougé (même année : 1, stable : 1)" in suite
    assert "CTX_POP" not in dit and "PE_TXCOUV_AM" not in dit and not re.search(r"\bnan\b|\d\.\d", dit, re.I)
