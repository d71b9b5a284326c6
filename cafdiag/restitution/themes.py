"""Le corps de chaque chapitre : chiffres clés, constats, graphiques."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from cafdiag.donnees import evaluer, table_communes
from cafdiag.donnees.registres_champs import AGREMENTS
from cafdiag.indicateurs import dictionnaire
from cafdiag.magasin import lire_table
from cafdiag.restitution import graphiques, textes, titres
from cafdiag.restitution.accords import accorder
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import commentaire
from cafdiag.restitution.document import Chiffre, Chiffres, Duo, Suite, paragraphe
from cafdiag.restitution.evolution import de_bout_en_bout, evolution, fait_une_serie
from cafdiag.restitution.formats import avec_statut, cle_de_tri, date_de, nom_court, nombre, ponctuer
from cafdiag.restitution.lecture import MesuresLues, accord, evidence
from cafdiag.restitution.structures import (
    ce_que_vaut_la_liste,
    france_services_comptees,
    registre_complet,
    structures_montrees,
)
from cafdiag.restitution.tableaux import tableau
from cafdiag.territoires import membres

# Au-delà de cette part d'habitants (%) sans niveau de densité, la répartition serait fausse.
SANS_DENSITE_MAXIMUM = 2.0
NOMS_DENSITE = {
    1: "Grands centres urbains",
    2: "Centres urbains intermédiaires",
    3: "Petites villes",
    4: "Ceintures urbaines",
    5: "Bourgs ruraux",
    6: "Rural à habitat dispersé",
    7: "Rural à habitat très dispersé",
}
TYPES_ECRITS = {
    "centre_social": "Centre social",
    "evs": "EVS",
    "france_services": "France services",
    "laep": "LAEP",
    "rpe": "RPE",
}
_TROP_LONG = 60


def _cles(lecture: MesuresLues, voulus: dict[str, str]) -> Suite:
    """Chiffres clés, et ce qui n'est qu'encadré, sans les évidences (100 %, zéro minute).

    Chacun a la date de sa mesure, ou celles de ses termes ; ``{s}`` : son pluriel.
    """
    dits = [
        Chiffre(
            ponctuer(lecture.texte(code, signe=code.endswith("_EVOL"))),
            ponctuer(_intitule(lecture, code, intitule)),
            _quand(lecture, code),
        )
        for code, intitule in voulus.items()
        if (not evidence(lecture.ligne(code)) if lecture.connu(code) else lecture.bornes(code))
    ]
    return (Chiffres(tuple(dits)),) if dits else ()


def _intitule(lecture: MesuresLues, code: str, intitule: str) -> str:
    return intitule.format(s="s" if lecture.connu(code) and abs(lecture.valeur(code)) >= 2 else "")


def _quand(lecture: MesuresLues, code: str) -> str:
    """« 2023 », « estimation, équipements 2025, population 2023 » ; rien pour une évolution, qui dit ses deux dates."""
    date = "" if code.endswith("_EVOL") else date_de(lecture.ligne(code))
    return ", ".join(filter(None, ("estimation" if lecture.estime(code) else "", date)))


def _tableau_des_structures(donnees: Donnees, types: tuple[str, ...]) -> Suite:
    """Les structures nommées de ces types, une ligne chacune ; rien au-delà de soixante."""
    table = structures_montrees(donnees, types) if types else pd.DataFrame()
    if table.empty or len(table) > _TROP_LONG:
        return ()
    noms = lire_table("communes", colonnes=["code", "nom"]).set_index("code")["nom"]
    agrement = (
        table["statut_agrement"].astype("string").replace({c: libelle for c, (libelle, _) in AGREMENTS.items()})
        if "statut_agrement" in table
        else pd.Series(pd.NA, index=table.index, dtype="string")
    )
    defaut = (
        table["type"].map({"france_services": "labellisée (ANCT)"}).astype("string").fillna("registre local")
    )
    vue = pd.DataFrame(
        {
            "Structure": table["nom"],
            "Type": table["type"].map(TYPES_ECRITS),
            "Commune": table["code"].map(noms),
            "Agrément": agrement.fillna(defaut),
            "Source": table["source"],
        }
    )
    return (
        tableau(
            vue.sort_values(["Type", "Commune", "Structure"], key=lambda c: c.astype(str).map(cle_de_tri)),
            titre="Structures connues",
            precision=_precision(donnees, types, table),
        ),
    )


def _precision(donnees: Donnees, types: tuple[str, ...], table: pd.DataFrame) -> str:
    return "" if set(types) == {"france_services"} or registre_complet(donnees, types) else ce_que_vaut_la_liste(table)


def _date(titre: str, annee: int | None) -> str:
    return f"{titre}, {annee}" if annee else titre


def _portrait(donnees: Donnees) -> Suite:
    lecture, territoire = donnees.lecture, donnees.territoire
    dits = _cles(
        lecture,
        {
            "CTX_POP": "habitants",
            "CTX_POP_EVOL": f"d'évolution{textes.depuis(lecture)}",
            "CTX_PART_0_19": "de moins de 20 ans",
            "CTX_PART_RURAL": "en commune rurale",
            "PS_COUV_POP": "de la population est couverte par la Caf",
        },
    )
    texte = paragraphe(
        donnees.rattachement.phrase,
        textes.quartiers(territoire, lecture),
        textes.caf(lecture),
    )
    return dits + texte + _ages(donnees) + _densite(donnees)


def _ages(donnees: Donnees) -> Suite:
    lecture = donnees.lecture
    tranches = {
        "CTX_PART_0_4": "0 à 4 ans",
        "CTX_PART_5_9": "5 à 9 ans",
        "CTX_PART_10_14": "10 à 14 ans",
        "CTX_PART_15_19": "15 à 19 ans",
    }
    if not all(lecture.connu(c) for c in tranches):
        return ()
    role = next((r for r in ("departement", "region", "france") if lecture.connu("CTX_PART_0_4", r)), None)
    ages = pd.DataFrame({"tranche": list(tranches.values()), "valeur": [lecture.valeur(c) for c in tranches]})
    nom_reference, annee, ou = "", lecture.annee("CTX_PART_0_4"), ""
    if role:
        ages["reference"] = [lecture.valeur(c, role) for c in tranches]
        nom_reference = lecture.ligne("CTX_PART_0_4", role)["nom"]
        ou = "en France" if role == "france" else f"dans {lecture.noms[role]}"
    dessin = graphiques.barres_ages(
        ages,
        titre=titres.des_ages(ages, ou),
        sous_titre=_date("Parts de la population", annee),
        nom=donnees.nom,
        nom_reference=nom_reference,
        source="Insee, recensement de la population" + (f" {annee}" if annee else ""),
    )
    return (dessin,)


def _densite(donnees: Donnees) -> Suite:
    """Population par niveau de densité : une intercommunalité n'a pas d'étiquette unique."""
    communes = table_communes(donnees.apports).reindex(list(donnees.territoire.communes))
    if len(communes) < 2:
        return ()
    annee = donnees.lecture.annee("CTX_POP")
    total = evaluer(communes, "population", annee=annee)["valeur"]
    sans = communes["densite_7"].isna()
    if sans.any() and not 100 * total[sans].sum() / total.sum() <= SANS_DENSITE_MAXIMUM:
        manquent = f"{accord(int(sans.sum()), 'commune')} sur {nombre(len(communes))}"
        return paragraphe(
            f"La répartition des habitants par niveau de densité n'est pas montrée : le niveau de {manquent} n'est "
            "pas connu."
        )
    lignes = []
    for niveau, nom in NOMS_DENSITE.items():
        dedans = communes["densite_7"].eq(niveau).fillna(False)
        if dedans.any():
            habitants = total[dedans].sum(skipna=False)
            lignes.append(
                {
                    "Niveau de densité": nom,
                    "Communes": int(dedans.sum()),
                    "Habitants": habitants,
                    "Part": 100 * habitants / total.sum(skipna=False),
                }
            )
    precision = f"{accord(int(sans.sum()), 'commune')} sans niveau publié" if sans.any() else ""
    table, titre, suite = pd.DataFrame(lignes), _date("Habitants selon la densité de leur commune", annee), ""
    if total.notna().any():
        suite = f" ; populations {annee or ''}".rstrip()
    else:
        # Une colonne de « n.d. » n'apprend rien.
        table, titre = table.drop(columns=["Habitants", "Part"]), "Communes selon leur densité"
    return (
        tableau(
            table,
            titre=titre,
            precision=precision,
            unites={"Habitants": "habitants", "Part": "%"},
            decimales={"Communes": 0, "Habitants": 0, "Part": 1},
            source=f"Insee, grille communale de densité à 7 niveaux{_grille(donnees)}{suite}",
        ),
    )


def _grille(donnees: Donnees) -> str:
    """« (grille COG 2025) » : la géographie de la grille, telle que la mesure la dit."""
    dite = str(donnees.lecture.ligne("CTX_PART_RURAL").get("millesime") or "").partition(",")[0]
    return f" ({dite})" if dite.startswith("grille") else ""


def _petite_enfance(donnees: Donnees) -> Suite:
    lecture = donnees.lecture
    avant, apres = textes.periodes(lecture)
    dits = _cles(
        lecture,
        {
            "PE_TXCOUV_GLOBAL": "places pour 100 enfants de moins de 3 ans",
            "PE_TXCOUV_EAJE": "places en accueil collectif (EAJE) pour 100 enfants",
            "PE_ENF_M3": "enfants de moins de 3 ans",
            "PE_NAISS_EVOL": f"naissances {apres} par rapport à {avant}" if avant else "de naissances",
        },
    )
    texte = paragraphe(
        textes.couverture(lecture),
        textes.modes(lecture),
        textes.naissances(lecture),
        textes.enfants_recenses(lecture),
        _etablissements(lecture),
        _taux_de_l_epci(donnees),
    )
    if not lecture.connu("PE_TXCOUV_GLOBAL"):
        return dits + texte + _naissances(donnees)
    modes = lecture.mesures[lecture.mesures["indicateur"].str.startswith("PE_TXCOUV_")]
    if not lecture.connu("PE_TXCOUV_GLOBAL", "comparables"):
        modes = modes[modes["role"].ne("comparables")]
    empile = graphiques.barres_empilees(
        modes,
        territoire=donnees.territoire.code,
        titre=titres.de_l_offre(lecture),
        sous_titre=_date("Places pour 100 enfants de moins de 3 ans", lecture.annee("PE_TXCOUV_GLOBAL")),
        noms={donnees.territoire.code: donnees.nom},
    )
    duo = Duo(_classement(donnees) + _naissances(donnees))
    return (*dits, *texte, empile, duo, *evolution(donnees))


def _taux_de_l_epci(donnees: Donnees) -> str:
    """Pourquoi un territoire plus petit qu'un EPCI n'a pas de taux, et celui de son EPCI, nommé comme tel."""
    lecture, code = donnees.lecture, "PE_TXCOUV_GLOBAL"
    if lecture.connu(code) or donnees.territoire.maille not in ("commune", "perimetre", "qpv"):
        return ""
    epci = membres("epci")
    siens = epci.loc[epci["commune"].isin(donnees.territoire.communes), "code"].unique()
    connus = donnees.autour[donnees.autour["territoire"].isin(siens) & donnees.autour["valeur"].notna()]
    dits = [
        f"{li['nom']}, {avec_statut(li)} ({li['millesime']})" for li in connus.to_dict("records")
    ]
    motif = str(lecture.ligne(code)["motif"])
    phrase = f"Le taux de couverture n'est pas énoncé ici ({motif})."
    if len(dits) and len(dits) == len(siens):
        phrase += f" Celui de l'EPCI entier : {' ; '.join(dits)}."
    return phrase


def _etablissements(lecture: MesuresLues) -> str:
    connus = [c for c in ("PE_NB_EAJE", "PE_NB_MICRO") if lecture.connu(c)]
    if not connus:
        return ""
    comptes = {
        "PE_NB_EAJE": ("crèche ou multi-accueil", "crèches ou multi-accueils"),
        "PE_NB_MICRO": ("micro-crèche",),
    }
    rien = {"PE_NB_EAJE": "crèche ni multi-accueil", "PE_NB_MICRO": "micro-crèche"}
    presents = [accord(lecture.valeur(c), *comptes[c]) for c in connus if lecture.valeur(c)]
    absents = " ni ".join(rien[c] for c in connus if not lecture.valeur(c))
    base = f"La base des équipements {lecture.annee(connus[0]) or ''}".rstrip()
    if not presents:
        return f"{base} n'y compte aucune {absents}."
    return f"{base} y compte {' et '.join(presents)}{f', mais aucune {absents}' if absents else ''}."


def _classement(donnees: Donnees) -> Suite:
    """Les EPCI du département, du taux le plus élevé au plus bas ; le territoire en couleur."""
    if donnees.territoire.maille not in ("epci", "departement") or donnees.autour.empty:
        return ()
    if not donnees.rattachement.compare:
        return ()
    codes = epci_du_departement(donnees.territoire.departement)
    voisins = donnees.autour[donnees.autour["territoire"].isin(codes)]
    if len(voisins) < 3:
        return ()
    noms = {c: nom_court(n) for c, n in zip(voisins["territoire"], voisins["nom"], strict=True)}
    precis = f" ({_nom_departement(donnees)})" if donnees.rattachement.phrase else ""
    france, annee = donnees.lecture.valeur("PE_TXCOUV_GLOBAL", "france"), int(voisins["annee"].max())
    dessin = graphiques.points_classes(
        voisins,
        territoire=donnees.territoire.code,
        titre=titres.du_classement(voisins),
        sous_titre=f"Places pour 100 enfants, EPCI du département{precis}, {annee}",
        noms=noms,
        decimales=1,
        reference=None if pd.isna(france) else france,
    )
    return (dessin,)


def _nom_departement(donnees: Donnees) -> str:
    parent = donnees.territoire.parents.get("departement")
    return parent.nom if parent else ""


def epci_du_departement(departement: str | None) -> set[str]:
    """EPCI dont ce département porte le plus d'habitants : un EPCI n'a de rang que chez lui."""
    table = lire_table("epci", colonnes=["code", "departement"])
    return set(table.loc[table["departement"].eq(departement), "code"])


def _naissances(donnees: Donnees) -> Suite:
    serie = donnees.naissances
    if not fait_une_serie(serie):
        return ()
    serie = de_bout_en_bout(serie)
    annees = serie["annee"].tolist()
    dessin = graphiques.serie(
        serie,
        territoire=donnees.territoire.code,
        titre=titres.des_naissances(serie),
        sous_titre=f"Naissances domiciliées, {annees[0]}-{annees[-1]}",
        source="Insee, état civil, naissances domiciliées",
        decimales=0,
    )
    return (dessin,)


def _enfance(donnees: Donnees) -> Suite:
    lecture = donnees.lecture
    distance = f"{donnees.options.distance_alsh_km:g} km".replace(".", ",")
    dits = _cles(
        lecture,
        {
            "EJ_ENF_311": "enfants de 3 à 11 ans",
            "EJ_ALSH_PART_COM_EQUIP": "des 3-11 ans dans une commune avec un ALSH",
            "EJ_ALSH_PART_X_KM": f"des 3-11 ans à moins de {distance} d'un ALSH",
            "EJ_ALSH_IMPLANT_311": "implantation{s} d'ALSH pour 100 enfants de 3-11 ans",
        },
    )
    proche = ""
    # D'une seule commune, la distance se mesure à son propre centre : elle ne dirait rien.
    if lecture.connu("EJ_ALSH_PART_X_KM") and len(donnees.territoire.communes) > 1:
        contre = lecture.contre("EJ_ALSH_PART_X_KM")
        part = textes.part_des_enfants(lecture, "EJ_ALSH_PART_X_KM").replace(" des enfants", "")
        part = {"tous les enfants": "tous", "presque tous les enfants": "presque tous"}.get(part, part)
        proche = (
            f"À vol d'oiseau, {part} vivent à moins de {distance} d'un accueil de "
            f"loisirs{', ' + contre if contre else ''}."
        )
    elif lecture.bornes("EJ_ALSH_PART_X_KM"):
        proche = (
            f"À vol d'oiseau, {lecture.bornes('EJ_ALSH_PART_X_KM')} des enfants de 3 à 11 ans vivent à moins de "
            f"{distance} d'un accueil de loisirs : une commune voisine non renseignée peut en avoir un plus proche."
        )
    return dits + paragraphe(
        textes.alsh(lecture),
        proche,
        "Les places, les heures et les temps d'accueil (soir, mercredi, vacances) ne sont "
        "publiés par aucune source nationale à cette échelle.",
    )


def _animation(donnees: Donnees) -> Suite:
    lecture = donnees.lecture
    phrases = []
    if lecture.ligne("AVS_QPV_COUV")["statut"] == "sans_objet":
        phrases.append("Sans quartier prioritaire (QPV), leur couverture par un centre social est sans objet.")
    if lecture.ligne("CTX_QPV_NB")["statut"] == "non_disponible" and donnees.territoire.maille != "qpv":
        phrases.append(f"Les quartiers prioritaires ne sont pas connus ici ({lecture.ligne('CTX_QPV_NB')['motif']}).")
    couverture = lecture.ligne("AVS_QPV_COUV")
    if lecture.connu("AVS_QPV_COUV"):
        phrases.append(_quartiers_couverts(donnees, couverture))
    if lecture.connu("AVS_DENS"):
        phrases.append(
            f"On compte {lecture.texte('AVS_DENS')} {accorder(lecture.valeur('AVS_DENS'), 'structures')} "
            "d'animation de la vie sociale pour 10\u202f000 habitants."
        )
    if not registre_complet(donnees):
        phrases.append(
            "Les listes de centres sociaux et d'EVS connues ici sont partielles : d'autres structures peuvent exister."
        )
    return paragraphe(*phrases) + _tableau_des_structures(donnees, STRUCTURES["animation-vie-sociale"])


def _quartiers_couverts(donnees: Donnees, couverture: dict) -> str:
    if donnees.territoire.maille == "qpv":
        return textes.centre_du_quartier(donnees.territoire, donnees.lecture)
    motif = f" ({couverture['motif']})" if couverture["motif"] else ""
    return f"{textes.quartiers_couverts(donnees.lecture)}{motif}."


@dataclass(frozen=True)
class Social:
    """Ce que montre un chapitre social.

    Attributes
    ----------
    cles : dict of str to str
        Indicateurs en chiffres clés, et leur intitulé à la suite du chiffre.
    structures : dict of str to tuple of str
        Types de structures nommées dans le chapitre : singulier et pluriel.
    """

    cles: dict[str, str]
    structures: dict[str, tuple[str, str]]


SOCIAUX: dict[str, Social] = {
    "parentalite": Social(
        {
            "PAR_LAEP_1000": "lieux d'accueil enfants-parents (LAEP) pour 1 000 enfants de moins de 6 ans",
            "PAR_RPE_COUV": "des moins de 3 ans dans une commune couverte par un relais (RPE)",
            "PAR_CLAS_100": "enfants accompagnés à la scolarité (CLAS) pour 100 élèves",
            "PAR_MEDIATION": "services de médiation familiale pour 100 000 habitants",
        },
        {
            "laep": ("lieu d'accueil enfants-parents", "lieux d'accueil enfants-parents"),
            "rpe": ("relais petite enfance", "relais petite enfance"),
        },
    ),
    "acces-aux-droits": Social(
        {
            "AD_FS_ACCES": "des habitants à moins de 20 minutes d'une France services",
            "AD_POINTS_10K": "points d'accueil de la Caf pour 10 000 habitants",
            "AD_RDV_DROITS_1000": "rendez-vous des droits pour 1 000 foyers allocataires",
        },
        {"france_services": ("espace France services", "espaces France services")},
    ),
    "logement": Social(
        {
            "LOG_AL_PART": "des foyers allocataires ont une aide au logement",
            "LOG_TX_EFFORT": "de taux d'effort médian",
            "LOG_IMPAYES_1000": "signalements d'impayés pour 1 000 foyers aidés",
            "LOG_FJT_LITS": "lits en foyer de jeunes travailleurs pour 1 000 jeunes",
        },
        {},
    ),
    "handicap-insertion": Social(
        {
            "PS_RSA": "des foyers allocataires ont le RSA",
            "PS_PPA": "ont la prime d'activité",
            "PS_AAH": "ont l'AAH",
            "HAN_AEEH_100": "enfants avec l'AEEH pour 100 enfants",
            "SEP_TX_ACCOMP": "des séparations signalées accompagnées",
        },
        {},
    ),
}
_COMMENTES = 4
_COMPTE_DE_L_ANCT = "L'ANCT y compte"


def _corps_social(theme: str) -> Callable[[Donnees], Suite]:
    """Le rendu du corps d'un chapitre social : chiffres clés, constats, structures."""
    social = SOCIAUX[theme]

    def rendre(donnees: Donnees) -> Suite:
        lecture = donnees.lecture
        sus = [c for c in dictionnaire(theme=theme).index if lecture.connu(c) or lecture.bornes(c)]
        comptes = _comptes(donnees, social)
        # Le nombre de France services, quand la phrase des listes vient de le dire, ne se redit pas.
        redits = {"AD_FS_NB"} if _COMPTE_DE_L_ANCT in comptes else set()
        dits = [c for c in dict.fromkeys((*social.cles, *sus)) if c in sus and c not in redits]
        # Leurs limites sont dans le tableau à déplier du chapitre.
        dites = [commentaire(lecture, code, limite=False) for code in dits[:_COMMENTES]]
        phrases = [p for c in dites for p in (c.niveau, c.rang, c.tendance) if p]
        return (
            _cles(lecture, social.cles)
            + paragraphe(comptes, *phrases)
            + _tableau_des_structures(donnees, tuple(social.structures))
        )

    return rendre


def _comptes(donnees: Donnees, social: Social) -> str:
    """« 2 espaces France services connus sur ce territoire. » ; rien si aucune liste n'en parle."""
    if not social.structures:
        return ""
    types = structures_montrees(donnees, tuple(social.structures))["type"].value_counts()
    comptes = [
        accord(int(types[t]), *mots) for t, mots in social.structures.items() if types.get(t, 0)
    ]
    phrases = [f"Les listes connues y nomment {' et '.join(comptes)}."] if comptes else []
    if "france_services" in social.structures:
        total, annee = france_services_comptees(donnees)
        if total is not None and total > int(types.get("france_services", 0)):
            mots = social.structures["france_services"]
            phrases.append(
                f"{_COMPTE_DE_L_ANCT} {accord(total, *mots)} en {annee} : la liste nominative est plus ancienne."
            )
    return " ".join(phrases)


# Les structures que nomme chaque chapitre : nommées, elles le remplissent même sans chiffre.
STRUCTURES: dict[str, tuple[str, ...]] = {
    "animation-vie-sociale": ("centre_social", "evs"),
    **{theme: tuple(social.structures) for theme, social in SOCIAUX.items()},
}
CORPS: dict[str, Callable[[Donnees], Suite]] = {
    "portrait": _portrait,
    "petite-enfance": _petite_enfance,
    "enfance-jeunesse": _enfance,
    "animation-vie-sociale": _animation,
    **{theme: _corps_social(theme) for theme in SOCIAUX},
}
