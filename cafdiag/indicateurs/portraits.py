"""Un portrait à relire : des grandeurs nommées, leur valeur, leur unité, d'où elles viennent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cafdiag.donnees.nettoyage import sans_nombre
from cafdiag.donnees.releves import Colonne, lire_releve, lire_valeur, proche
from cafdiag.erreurs import EntreeFautive
from cafdiag.territoires.normalisation import normaliser

CHAMPS = ("valeur", "unite", "libelle", "source", "partie_de", "detail", "poids")
_MODELE = "grandeur et valeur ; au besoin unité, libellé, source, partie de, détail, poids"
_COLONNES = {
    "grandeur": Colonne("grandeur", ("grandeurs", "indicateur", "indicateurs"), obligatoire=True),
    "valeur": Colonne("valeur", ("valeurs", "nombre", "chiffre"), obligatoire=True),
    "unite": Colonne("unité", ("unités",)),
    "libelle": Colonne("libellé", ("libellés",)),
    "source": Colonne("source", ("sources",)),
    "partie_de": Colonne("partie de"),
    "detail": Colonne("détail", ("détails",)),
    "poids": Colonne("poids"),
}
_EFFECTIFS = frozenset(
    (
        "population",
        "foyers_allocataires",
        "personnes_couvertes",
        "enfants_couverts",
        "enfants_moins_3_ans",
        "enfants_moins_6_ans",
    )
)
_UNITES_ENTIERES = re.compile(
    r"(hab|habitant|personne|foyer|enfant|naissance|famille|menage|allocataire|place|eleve|logement|structure|commune)s?"
)
_MOTS_DE_TAUX = re.compile(
    r"\b(taux|part|ratio|indice|pourcentage|moyen(ne)?|taille|txcouv|pour 100|sur 100|par (foyer|habitant|enfant|an))\b"
)
# Autres façons d'écrire une grandeur ; le nom du projet d'abord.
SYNONYMES = {
    "population": "habitants|population municipale|nombre d habitants",
    "foyers_allocataires": "allocataires|nombre d allocataires|foyers|foyers caf",
    "personnes_couvertes": "population couverte|personnes couvertes par la caf",
    "enfants_moins_3_ans": "enfants de moins de 3 ans|enfants de de 3 ans",
    "enfants_moins_6_ans": "enfants de moins de 6 ans|enfants de de 6 ans",
    "enfants_couverts": "enfants a charge|enfants couverts",
    "part_allocataires": "habitants sur 100 allocataires|foyers allocataires pour 100 habitants",
    "part_population_couverte": "habitants sur 100 couverts|taux de couverture de la population",
    "taille_foyer": "personnes par foyer|personnes couvertes par foyer",
}


def lire_portrait(chemin: str | Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Lit un portrait : CSV (UTF-8 ou Windows), xlsx ou ods, colonnes de
    :func:`cafdiag.indicateurs.anomalies.verifier_portrait`.

    Returns
    -------
    table : DataFrame
        Tout en texte ; l'index, nommé « ligne », dit où est chaque ligne dans le fichier.
    remarques : tuple of str
        Ce qui n'est pas lu : colonnes, feuilles, cases sans nombre.

    Raises
    ------
    EntreeFautive
        Fichier illisible, colonnes absentes ou en double.
    """
    releve = lire_releve(chemin, _COLONNES, modele=_MODELE, totaux=True)
    ou = pd.Index([ligne.ou for ligne in releve.lignes], name="ligne")
    table = pd.DataFrame([ligne.textes for ligne in releve.lignes], index=ou, dtype="str")
    sans = table[[not lue.ecrite and not lue.illisible for lue in map(lire_valeur, table["valeur"])]]
    vides = ", ".join(sans.loc[sans["valeur"].eq(""), "grandeur"])
    dites = sans_nombre("valeur", sans["valeur"]) + ([f"sans valeur : {vides}"] if vides else [])
    return table, (*releve.remarques, *dites)


def _colonne(entete: str) -> str:
    """Nom d'une colonne dans le projet : « Grandeur », « Valeurs », « Unité » ; inchangé s'il n'est pas connu."""
    return next((nom for nom, colonne in _COLONNES.items() if colonne.reconnait(entete)), entete)


def nom_voulu(grandeur: str) -> str:
    """Le nom dont cette grandeur n'est qu'à une faute de frappe ; vide si elle est connue, ou tout autre.

    >>> nom_voulu("populatoin"), nom_voulu("population"), nom_voulu("foyers_aah")
    ('population', '', '')
    """
    connus = {a for nom, autres in SYNONYMES.items() for a in (nom.replace("_", " "), *autres.split("|"))}
    mots = normaliser(grandeur.replace("_", " "))
    if mots in connus:
        return ""
    # Mot à mot : « foyers aah » n'est pas « foyers caf » mal écrit.
    siens = mots.split()
    meme_longueur = (c for c in sorted(connus) if len(c.split()) == len(siens))
    return next(
        (c for c in meme_longueur if all(a == b or proche(a, [b]) for a, b in zip(siens, c.split(), strict=True))), ""
    )


def est_un_taux(unite: str) -> bool:
    """Vrai si l'unité est celle d'une part ou d'un taux."""
    return "%" in unite or "pour 1" in normaliser(unite)


def est_un_effectif(ligne: pd.Series) -> bool:
    """Vrai si la grandeur compte des personnes ou des choses : elle est entière."""
    mots = normaliser(ligne["unite"]).split()
    return ligne["grandeur"] in _EFFECTIFS or bool(mots and _UNITES_ENTIERES.fullmatch(mots[0]) and len(mots) == 1)


def _se_rapporte(ligne: pd.Series) -> bool:
    """Vrai si la grandeur est un rapport : trois décimales y sont des décimales."""
    dit = normaliser(f"{ligne['grandeur']} {ligne['libelle']} {ligne['unite']}".replace("_", " "))
    return not est_un_effectif(ligne) and (est_un_taux(ligne["unite"]) or bool(_MOTS_DE_TAUX.search(dit)))


def _rendre_les_milliers(table: pd.DataFrame) -> None:
    """Hors des taux, « 28.752 » est lu 28 752 ; ``milliers`` n'est gardé que là, pour que ce soit dit."""
    for i in table.index[table["milliers"].ne("")]:
        if _se_rapporte(table.loc[i]):
            table.at[i, "milliers"] = ""
        else:
            ecrite = re.sub(r"[.,]", "", table.at[i, "valeur_ecrite"])
            table.at[i, "valeur_ecrite"], table.at[i, "valeur"] = ecrite, float(ecrite)


def en_table(portrait: Mapping | pd.DataFrame) -> pd.DataFrame:
    """Une ligne par grandeur, sous son nom du projet ; tous les défauts d'un coup.

    Aux colonnes du portrait s'ajoutent ``valeur_ecrite`` (les seuls chiffres) et ``milliers`` (le signe qui les
    sépare, s'il peut se lire autrement).
    """
    if isinstance(portrait, Mapping):
        lignes = [
            {"grandeur": g, **(v if isinstance(v, Mapping) else {"valeur": v})} for g, v in portrait.items()
        ]
        portrait = pd.DataFrame(lignes, columns=["grandeur", *CHAMPS])
    portrait = portrait.rename(columns=_colonne)
    absentes = [c for c in ("grandeur", "valeur") if c not in portrait.columns]
    if absentes:
        raise EntreeFautive(
            "portrait",
            [f"colonne absente : {c}" for c in absentes],
            attendu="les colonnes grandeur et valeur",
        )
    # Un fichier dit où est chaque ligne ; une table en mémoire se compte à partir de 1.
    de_fichier = portrait.index.name == "ligne"
    rangs = list(portrait.index) if de_fichier else [f"ligne {n}" for n in range(1, len(portrait) + 1)]
    table = portrait.reindex(columns=["grandeur", *CHAMPS]).reset_index(drop=True)
    ecrites = table.astype(object).where(table.notna(), "").astype(str).apply(lambda c: c.str.strip())
    textes = [c for c in table.columns if c not in ("valeur", "poids")]
    table[textes] = ecrites[textes]
    defauts = []
    for colonne in ("valeur", "poids"):
        lues = [lire_valeur(texte) for texte in ecrites[colonne]]
        # L'infini n'est pas une mesure : il passerait pour un tout que rien ne dépasse.
        defauts += [
            f"{rang} : {colonne} « {texte} »"
            for rang, texte, lue in zip(rangs, ecrites[colonne], lues, strict=True)
            if lue.illisible
        ]
        table[colonne] = pd.Series([lue.nombre for lue in lues], dtype=float)
        table[f"{colonne}_ecrite"] = pd.Series([lue.ecrite for lue in lues], dtype=object)
        if colonne == "valeur":
            table["milliers"] = pd.Series([lue.milliers for lue in lues], dtype=object)
            dites = pd.Series([lue.unite for lue in lues], dtype=object)
            opposees = [
                bool(dite) and bool(unite) and ("%" in dite) != ("%" in unite)
                for dite, unite in zip(dites, table["unite"], strict=True)
            ]
            defauts += [
                f"{rang} : valeur « {texte} », mais unité « {unite} »"
                for rang, texte, unite, oppose in zip(rangs, ecrites["valeur"], table["unite"], opposees, strict=True)
                if oppose
            ]
            table["unite"] = table["unite"].where(table["unite"].ne(""), dites)
    defauts += [
        f"{rang} : valeur « {valeur} » sans grandeur"
        for rang, grandeur, valeur in zip(rangs, table["grandeur"], ecrites["valeur"], strict=True)
        if valeur and not grandeur
    ]
    for colonne in ("grandeur", "partie_de"):
        table[colonne] = table[colonne].map(nom_du_projet)
    _rendre_les_milliers(table)
    doubles = sorted(set(table.loc[table["grandeur"].duplicated() & table["grandeur"].ne(""), "grandeur"]))
    defauts += [f"grandeur « {g} » donnée deux fois" for g in doubles]
    if defauts:
        raise EntreeFautive("portrait", defauts, attendu="un nombre par grandeur, et chacune une seule fois")
    return table[table["valeur"].notna()].set_index("grandeur", drop=False)


def nom_du_projet(nom: str) -> str:
    """Nom d'une grandeur dans le projet ; inchangé s'il n'est pas connu.

    >>> nom_du_projet("Enfants de - de 6 ans"), nom_du_projet("Habitants"), nom_du_projet("creches")
    ('enfants_moins_6_ans', 'population', 'creches')
    """
    mots = normaliser(nom.replace("_", " "))
    for canonique, autres in SYNONYMES.items():
        if mots in {canonique.replace("_", " "), *autres.split("|")}:
            return canonique
    return nom.strip()
