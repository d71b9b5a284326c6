"""Les commentaires : accords justes, jamais un écart sous l'incertitude, jamais un nombre venu d'ailleurs."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import confronter, dictionnaire, mesurer_serie
from cafdiag.restitution import bref
from cafdiag.restitution.accords import accorder, aucun, prendre_article, singulier
from cafdiag.restitution.commentaires import commentaire, commenter, rang_dit
from cafdiag.restitution.formats import FINE, decimales_de, nombre
from cafdiag.restitution.lecture import MesuresLues

CRAON = "200048551"
# Quatorze territoires de toutes mailles, avec et sans données, en métropole et outre-mer.
TERRITOIRES = [
    *(CRAON, "244900015", "200054781", "49126", "974", "France", "53012+53084", "QN04901M"),
]
SUPERLATIFS = re.compile(
    r"\b(?:meilleur\w*|pire\w*|record\w*|exceptionnel\w*|remarquable\w*|très|trop peu|fortement|faiblement|"
    # « Rang : parmi les plus bas » n'est pas un jugement : le tiers est assuré, et le chiffre vient juste avant.
    r"(?<!parmi )(?:le|la|les) (?:plus|moins) (?!élevé au plus bas|proche)\w+|champion\w*|leader\w*|énorm\w*|"
    r"considérabl\w*|excellent\w*|dramatique\w*|inquiétant\w*|alarmant\w*|idéal\w*|parfait\w*|satisfaisant\w*|insuffisant\w*)\b"
)
NOMBRE = re.compile(r"[−+]?\d[\d\u202f]*(?:,\d+)?")


def ligne(code, valeur, role="territoire", **reste):
    definition = dictionnaire().loc[code]
    defauts = {
        "territoire": role,
        "libelle": definition["libelle"],
        "unite": definition["unite"],
        "annee": 2023,
        "millesime": "2023",
        "statut": "exact",
        "bas": np.nan,
        "haut": np.nan,
        "modalite": "",
        "motif": "",
        "source": "Insee",
    }
    return {**defauts, "indicateur": code, "valeur": valeur, "role": role, **reste}


def dit(*lignes, **options) -> str:
    return str(commentaire(MesuresLues(pd.DataFrame(lignes), **options), lignes[0]["indicateur"], limite=False))


@pytest.fixture(scope="module")
def lectures():
    def lire(code):
        t = cd.territoire(code)
        trouve = confronter(t)
        return t, MesuresLues(trouve.mesures, confrontation=trouve), trouve

    return [lire(code) for code in TERRITOIRES]


def test_une_commune_equipee_n_est_pas_a_zero_minute():
    """Le zéro est un effet du calcul de centre à centre : ni chiffre, ni écart, ni rang."""
    ici = ligne("ACC_EAJE_TEMPS", 0.0, maille="commune", statut="estime")
    la = ligne("ACC_EAJE_TEMPS", 6.2, "departement", maille="departement", statut="estime")
    assert dit(ici, la) == (
        "La crèche la plus proche est dans la commune en 2023 : de centre à centre de commune, la durée y est "
        "nulle et ne se compare pas."
    )
    assert "0,8 minute en 2023" in dit({**ici, "valeur": 0.8}, la)
    # Un EPCI dont chaque commune est équipée, de même ; et l'encadré ne le retient pas.
    epci = {**ici, "maille": "epci"}
    assert dit(epci, la).startswith("Dans chaque commune habitée, la crèche la plus proche est sur place en 2023 : ")
    assert bref.score_de(MesuresLues(pd.DataFrame([epci, la])), "ACC_EAJE_TEMPS") == (0.0, "")


# --- Accords ---


@pytest.mark.parametrize(
    ("code", "valeur", "attendu"),
    [
        ("PE_NAISS", 0, "On ne compte aucune naissance domiciliée en 2023."),
        ("PE_NAISS", 1, "On compte 1 naissance domiciliée en 2023."),
        ("PE_NAISS", 2, "On compte 2 naissances domiciliées en 2023."),
        ("PE_NAISS", 1234, f"On compte 1{FINE}234 naissances domiciliées en 2023."),
        ("PE_NB_EAJE", 0, "On ne compte aucun établissement d'accueil du jeune enfant (hors micro-crèches) en 2023."),
        ("PE_NB_MICRO", 1, "On compte 1 micro-crèche en 2023."),
        ("CTX_QPV_NB", 1, "On compte 1 quartier prioritaire de la politique de la ville (QPV) en 2023."),
        ("AVS_CS_PAR_QPV", 0.5, "On compte 0,50 centre social par QPV en 2023"),
        ("AVS_CS_PAR_QPV", 2.0, "On compte 2,00 centres sociaux par QPV en 2023"),
        ("CTX_POP", 1, "La population municipale est de 1 habitant en 2023."),
        ("CTX_POP", 28591, f"La population municipale est de 28{FINE}591 habitants en 2023."),
        ("PE_TXCOUV_GAD", 0.0, "La garde à domicile offre 0,0 place pour 100 enfants"),
        ("PE_TXCOUV_GAD", 1.9, "La garde à domicile offre 1,9 place pour 100 enfants"),
        ("PE_TXCOUV_GAD", 2.0, "La garde à domicile offre 2,0 places pour 100 enfants"),
        ("PE_ECART_REF", -1.0, "L'écart du taux de couverture global à la France est de −1,0 point en 2023."),
        ("PE_RATIO_REF", 1.312, "Le taux de couverture global est de 1,31 fois celui de la France en 2023."),
        ("PE_ECART_REF", 19.0, "L'écart du taux de couverture global à la France est de +19,0 points en 2023."),
        ("CTX_PART_0_19", 24.3, f"Les moins de 20 ans représentent 24,3{FINE}% de la population en 2023"),
        ("CTX_PART_RURAL", 100.0, "Tous les habitants vivent dans une commune rurale en 2023"),
        ("CTX_PART_RURAL", 99.97, "Presque tous les habitants vivent dans une commune rurale en 2023"),
        ("CTX_PART_RURAL", 40.0, f"40,0{FINE}% des habitants vivent dans une commune rurale en 2023"),
        # 100 / 60,9 = 1,64 enfant par place en France ; deux décimales, comme au dictionnaire.
        ("PE_TENSION", 100 / 60.9, "On compte 1,64 enfant de moins de 3 ans par place d'accueil en 2023."),
        ("PE_TENSION", 2.5, "On compte 2,50 enfants de moins de 3 ans par place d'accueil en 2023."),
        ("PS_ALLOC_POP", 1.5, "On compte, hors régime agricole (MSA), 1,5 foyer allocataire pour 100 habitants"),
    ],
)
def test_accords_du_niveau(code, valeur, attendu):
    assert dit(ligne(code, float(valeur))).startswith(attendu)


@pytest.mark.parametrize(
    ("code", "attendu"),
    [
        ("PE_TXCOUV_GLOBAL", "L'offre d'accueil est d'environ 59,3 places pour 100 enfants de moins de 3 ans"),
        ("PE_TXCOUV_EAJE", "L'accueil collectif (EAJE) offre environ 59,3 places pour 100 enfants"),
        ("CTX_DENSITE", "La densité de population est d'environ 59,3 habitants au km²"),
    ],
)
def test_une_estimation_se_dit_environ(code, attendu):
    assert dit(ligne(code, 59.3, statut="estime")).startswith(attendu)


@pytest.mark.parametrize(
    ("ici", "la", "attendu"),
    [
        (79.9, 78.0, ", soit 1,9 place de plus que le département (78,0)."),
        (78.0, 80.0, ", soit 2,0 places de moins que le département (80,0)."),
        (69.3, 69.8, ", soit moins d'une place d'écart avec le département (69,8)."),
        (1.2, 0.9, ", soit 0,3 place de plus que le département (0,9)."),
        (78.0, 78.1, " ; l'écart avec le département (78,1) est trop petit pour être commenté."),
        (78.0, 78.0, " ; l'écart avec le département (78,0) est trop petit pour être commenté."),
    ],
)
def test_accords_de_l_ecart_en_places(ici, la, attendu):
    assert dit(ligne("PE_TXCOUV_GLOBAL", ici), ligne("PE_TXCOUV_GLOBAL", la, "departement")).endswith(attendu)


@pytest.mark.parametrize(
    ("ici", "la", "attendu"),
    [
        (25.0, 24.0, "soit 1,0 point de plus que"),
        (25.0, 23.0, "soit 2,0 points de plus que"),
        (23.0, 25.5, "soit 2,5 points de moins que"),
    ],
)
def test_accords_de_l_ecart_en_points(ici, la, attendu):
    assert attendu in dit(ligne("CTX_PART_0_19", ici), ligne("CTX_PART_0_19", la, "departement"))


def test_la_soustraction_se_verifie_a_la_lecture():
    # 25,96 − 24,04 = 1,92, mais le lecteur voit 26,0 et 24,0.
    assert "26,0" in (phrase := dit(ligne("CTX_PART_0_19", 25.96), ligne("CTX_PART_0_19", 24.04, "departement")))
    assert "2,0 points de plus que le département (24,0" in phrase


@pytest.mark.parametrize(
    ("valeur", "attendu"),
    [
        (3.25, f"Les naissances domiciliées ont augmenté de 3,3{FINE}% entre 2019-2021 et 2023-2025"),
        (-13.2, f"Les naissances domiciliées ont diminué de 13,2{FINE}% entre 2019-2021 et 2023-2025"),
        (0.04, f"Les naissances domiciliées sont au même niveau entre 2019-2021 et 2023-2025 (0,0{FINE}%)"),
        (-0.04, f"Les naissances domiciliées sont au même niveau entre 2019-2021 et 2023-2025 (0,0{FINE}%)"),
    ],
)
def test_evolutions(valeur, attendu):
    millesime = "2019-2021 et 2023-2025"
    phrase = dit(
        ligne("PE_NAISS_EVOL", valeur, millesime=millesime),
        ligne("PE_NAISS_EVOL", -5.0, "departement", millesime=millesime),
    )
    assert phrase.startswith(attendu) and phrase.endswith(f", contre −5,0{FINE}% dans le département.")


def test_evolution_d_un_sujet_singulier():
    phrase = dit(ligne("CTX_POP_EVOL", -1.0, millesime="2020 et 2023"))
    assert phrase == f"La population municipale a diminué de 1,0{FINE}% entre 2020 et 2023."


def test_mots():
    assert singulier("Places d'accueil pour 100 enfants") == "place d'accueil pour 100 enfants"
    assert singulier("Jeunes de 11 à 17 ans") == "jeune de 11 à 17 ans"
    assert singulier("Bureaux ouverts") == "bureau ouvert" and singulier("ALSH") == "ALSH"
    assert accorder(1.99, "foyers") == "foyer" and accorder(-2, "foyers") == "foyers"
    assert aucun("Communes classées") == "aucune" and aucun("Quartiers") == "aucun"
    assert prendre_article("Évolution des naissances") == "l'évolution des naissances"
    assert prendre_article("Naissances domiciliées") == ""


@pytest.mark.parametrize("code", dictionnaire().index)
def test_chaque_indicateur_du_dictionnaire_se_dit(code):
    """Singulier, pluriel, décimale, zéro, négatif : une phrase sans trou, pour toute ligne présente et à venir."""
    for valeur in (0.0, 1.0, 1.5, 2.0, 1234.5, -3.0):
        phrase = dit(ligne(code, valeur), ligne(code, 5.0, "france"))
        assert phrase[0] == phrase[0].upper() and phrase.endswith(".") and ".." not in phrase
        assert not re.search(r"\bnan\b|None|n\.d\.|  |de environ|de le |\{|\}", phrase), phrase
        # Sous deux, jamais « 1 places » ni « 1,5 habitants » juste après le nombre.
        if valeur in (1.0, 1.5) and (trouve := re.search(r"\b1(?:,\d+)? ([a-zé-]+)", phrase)):
            assert not trouve[1].endswith("s") or trouve[1] in ("fois", "mois", "temps", "rendez-vous"), phrase


# --- Se taire ---


def test_un_manquant_dit_pourquoi():
    phrase = dit(ligne("PE_NAISS", np.nan, statut="non_disponible", motif="donnée absente"))
    assert phrase == "Naissances domiciliées : non énoncé (donnée absente)."
    with pytest.raises(DemandeFausse, match="PE_NB_EAJE"):
        commenter(MesuresLues(pd.DataFrame([ligne("PE_NAISS", 1.0)])), "PE_NB_EAJE")


def test_le_motif_de_chaque_silence_est_garde():
    lecture = MesuresLues(pd.DataFrame([ligne("PE_NAISS", 10.0), ligne("PE_NAISS", 90.0, "france")]))
    tus = " ".join(commentaire(lecture, "PE_NAISS").tus)
    assert "un effectif ne se compare pas" in tus and "pas de rang" in tus
    seul = commentaire(MesuresLues(pd.DataFrame([ligne("CTX_PART_0_19", 20.0)])), "CTX_PART_0_19")
    assert "aucune référence connue" in seul.tus


intervalles = st.floats(0, 8, allow_subnormal=False).map(lambda x: round(x, 3))
taux = st.floats(0, 100, allow_subnormal=False).map(lambda x: round(x, 2))


@settings(max_examples=200)
@given(taux, taux, intervalles, intervalles, st.sampled_from(["CTX_PART_0_19", "PE_TXCOUV_EAJE", "CTX_POP_EVOL"]))
def test_jamais_d_ecart_sous_l_incertitude(ici, la, demi_ici, demi_la, code):
    def encadree(valeur, demi, role):
        return ligne(code, valeur, role, statut="arrondi", bas=valeur - demi, haut=valeur + demi)

    phrase = dit(encadree(ici, demi_ici, "territoire"), encadree(la, demi_la, "departement"))
    commente = bool(re.search(r"de plus que|de moins que|d'écart avec|, contre", phrase))
    # Deux intervalles qui se touchent, à un dixième près, peuvent cacher la même valeur.
    disjoints = abs(ici - la) - demi_ici - demi_la
    if disjoints < 0.1 - 1e-6:
        assert not commente, phrase
    if disjoints > 0.1 + 1e-6:
        assert commente, phrase


@settings(max_examples=100)
@given(st.lists(st.floats(0, 100).map(lambda x: round(x, 1)), min_size=4, max_size=12), st.floats(0, 100))
def test_un_rang_dit_est_un_rang_possible(valeurs, ici):
    from cafdiag.indicateurs.positions import positions

    code, ici = "PE_TXCOUV_EAJE", round(ici, 1)
    pairs = pd.DataFrame([ligne(code, v, territoire=f"t{i}") for i, v in enumerate(valeurs)])
    place = positions(pd.DataFrame([ligne(code, ici)]), pairs).iloc[0].to_dict()
    # Le rang compté à la main, égalités tranchées pour puis contre, est entre les deux bornes.
    assert place["rang_haut"] <= 1 + sum(v > ici for v in valeurs)
    assert place["rang_bas"] >= len(valeurs) + 1 - sum(v < ici for v in valeurs)
    phrase = rang_dit(place, "EPCI")
    etendue = place["rang_bas"] - place["rang_haut"] + 1
    assert (phrase == "") == (2 * etendue > place["classes"])
    assert ("ex æquo" in phrase) == (phrase != "" and etendue > 1)


def test_tendance_et_son_silence():
    def serie(*valeurs):
        return pd.DataFrame([ligne("PE_NAISS", v, annee=2019 + i) for i, v in enumerate(valeurs)])

    def tendance(*valeurs):
        options = {"series": {"PE_NAISS": serie(*valeurs)}}
        return commentaire(MesuresLues(pd.DataFrame([ligne("PE_NAISS", valeurs[-1])]), **options), "PE_NAISS")

    assert tendance(357.0, np.nan, 313.0).tendance == f"De 2019 à 2021 : 357 puis 313, soit −12,3{FINE}%."
    muet = tendance(357.0, 357.0)
    assert muet.tendance == "" and any("plus petit que l'incertitude" in m for m in muet.tus)
    assert any("une seule année" in m for m in tendance(np.nan, 12.0).tus)
    taux = pd.DataFrame([ligne("PE_TXCOUV_EAJE", v, annee=a) for a, v in ((2022, 8.0), (2023, 9.6))])
    lecture = MesuresLues(taux.iloc[[1]], series={"PE_TXCOUV_EAJE": taux})
    assert commentaire(lecture, "PE_TXCOUV_EAJE").tendance == "De 2022 à 2023 : 8,0 puis 9,6, soit +1,6."


# --- Vingt territoires ---


def _tous(lectures):
    for t, lecture, trouve in lectures:
        for code in dictionnaire().index:
            yield t, lecture, trouve, code, commenter(lecture, code)


def test_aucun_superlatif_sans_chiffre(lectures):
    assert SUPERLATIFS.search("le plus élevé du département") and SUPERLATIFS.search("un taux très bas")
    fautes = []
    for t, lecture, _, code, phrase in _tous(lectures):
        # La limite et le motif viennent du dictionnaire et des calculs ; la règle porte sur nos phrases.
        dites = commentaire(lecture, code, limite=False) if lecture.connu(code) else ""
        if SUPERLATIFS.search(str(dites)):
            fautes.append((t.code, code, phrase))
    for t, lecture, _ in lectures:
        fautes += [(t.code, p) for p in bref.en_bref(t, lecture, nom="T").phrases if SUPERLATIFS.search(p)]
    assert fautes == []


def test_aucun_nombre_qui_ne_soit_mesure(lectures):
    """Chaque nombre d'un commentaire se retrouve dans les mesures du territoire, de ses références, de ses groupes."""
    verifies = 0
    for t, lecture, trouve, code, _ in _tous(lectures):
        if not lecture.connu(code):
            continue
        dites = commentaire(lecture, code, limite=False)
        ici = trouve.mesures[trouve.mesures["indicateur"].eq(code)]
        places = decimales_de(dictionnaire().at[code, "unite"])
        connus = {nombre(v, decimales=places) for c in ("valeur", "bas", "haut") for v in ici[c].dropna()}
        valeurs = [float(x.replace(",", ".").replace(FINE, "").replace("−", "-")) for x in connus]
        connus |= {nombre(abs(a - b), decimales=places) for a in valeurs for b in valeurs}
        connus |= {c.lstrip("−") for c in connus} | {f"+{c}" for c in connus}
        textes = " ".join([*ici["libelle"], *ici["unite"], *ici["millesime"].astype(str), "2 ans 3 ans 100"])
        connus |= set(NOMBRE.findall(textes)) | set(ici["annee"].dropna().astype(int).astype(str))
        connus |= set(re.findall(r"\d+", textes))
        if code.endswith("_EVOL"):
            connus |= {nombre(v, decimales=0) for c in ("numerateur", "denominateur") for v in ici[c].dropna()}
        for groupe in trouve.groupes:
            tous = len(trouve.groupes[groupe].codes)
            connus |= {str(tous), str(tous + 1)}
            place = lecture.position(code, groupe)
            if place is not None:
                chiffres = [place[c] for c in ("rang_haut", "rang_bas", "classes", "nombre") if pd.notna(place[c])]
                connus |= {str(int(c)) for c in chiffres} | {nombre(place["mediane"], decimales=places)}
        # « 79,9 », « 2019-2021 », « 9 EPCI » : tout ce qui s'écrit en chiffres.
        for ecrit in NOMBRE.findall(str(dites)):
            assert ecrit in connus or ecrit.strip("−+") in connus, (t.code, code, ecrit, str(dites))
            verifies += 1
    assert verifies > 1000


def test_la_limite_obligatoire_suit_le_commentaire(lectures):
    _, lecture, _ = lectures[0]
    assert "Régime agricole (MSA) non compris" in commenter(lecture, "PS_COUV_POP")
    for code in dictionnaire().index[dictionnaire()["limites"].ne("")]:
        if lecture.connu(code):
            premiere = dictionnaire().at[code, "limites"].split(". ")[0].rstrip(".")
            assert f"{premiere}." in commenter(lecture, code)


def test_le_pays_de_craon_en_toutes_lettres():
    t = cd.territoire(CRAON)
    trouve = confronter(t, ["PE_TXCOUV_GLOBAL", "PE_NAISS"])
    lecture = MesuresLues(trouve.mesures, confrontation=trouve, series={"PE_NAISS": mesurer_serie(t, "PE_NAISS")})
    assert commenter(lecture, "PE_TXCOUV_GLOBAL") == (
        "L'offre d'accueil est de 79,9 places pour 100 enfants de moins de 3 ans fin 2023, soit 1,9 place de plus que "
        "le département (78,0) ; France hors Mayotte : 60,9. Du plus élevé au plus bas : 2e sur 9 EPCI du département "
        "; 1er sur 11 avec ses 10 EPCI comparables (médiane : 64,2). Offre théorique : une place peut être vacante ou "
        "partagée. Lieu de la place, pas de résidence de l'enfant."
    )
    assert f"De 2008 à 2025 : 388 puis 264, soit −32,0{FINE}%." in commenter(lecture, "PE_NAISS")
