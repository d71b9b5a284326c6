"""Les règles des enjeux : par indicateur, le seuil d'un écart, et ce qu'il fait demander dans chaque sens."""

from __future__ import annotations

from dataclasses import dataclass

# Le rôle d'un écart qui n'est pas pris à un autre territoire.
ABSOLU = "absolu"


@dataclass(frozen=True)
class Cote:
    """Ce que dit un écart d'un côté de sa référence ; ``{que}`` devient « qu'en France »."""

    titre: str
    question: str
    contredit: str
    atout: bool = False


@dataclass(frozen=True)
class Regle:
    """Une règle.

    Attributes
    ----------
    code : str
        Indicateur jugé.
    seuil : float
        Écart qui fait un enjeu à lui seul, dans l'unité de l'indicateur ; en pour cent de la référence si ``relatif``.
    phrase : str
        Le constat sans sa comparaison : ``{v}`` est la valeur, ``{places}`` son nom accordé, ``{ou}`` la fin du
        libellé, ``{varie}`` « augmenté » ou « diminué », ``{t}`` le tout.
    bas, haut : Cote or None
        Sous la référence, au-dessus ; None : rien à demander de ce côté.
    reference : float or None
        Une constante (0 pour une évolution, 100 pour une couverture) ; sinon le département et la France.
    sur : str
        Indicateur qui compte le tout, quand la valeur est un compte.
    """

    code: str
    seuil: float
    phrase: str
    bas: Cote | None = None
    haut: Cote | None = None
    relatif: bool = False
    reference: float | None = None
    sur: str = ""


REGLES: tuple[Regle, ...] = (
    Regle(
        "PE_TXCOUV_GLOBAL",
        10,
        "{v} {places} d'accueil pour 100 enfants de moins de 3 ans",
        Cote(
            "Moins de places d'accueil des tout-petits {que}",
            "Quels besoins ne trouvent pas de réponse, dans quelles communes et à quels horaires ?",
            "Des places libres toute l'année, ou des familles qui trouvent sans attendre.",
        ),
        Cote(
            "Plus de places d'accueil des tout-petits {que}",
            "Comment garder cette offre si des professionnelles partent à la retraite ?",
            "Des familles qui renoncent, faute d'un horaire ou d'un prix qui leur convienne.",
            atout=True,
        ),
        relatif=True,
    ),
    Regle(
        "PE_TXCOUV_EAJE",
        15,
        "{v} {places} de crèche pour 100 enfants de moins de 3 ans",
        Cote(
            "Moins de places de crèche {que}",
            "L'accueil individuel répond-il à toutes les familles : horaires décalés, handicap, retour à l'emploi ?",
            "Des crèches voisines ouvertes aux familles d'ici, ou des assistantes maternelles libres à ces horaires.",
        ),
        Cote(
            "Plus de places de crèche {que}",
            "Ces places profitent-elles aux familles qui en ont le plus besoin ?",
            "Des places fermées faute de professionnels, ou occupées par des familles d'ailleurs.",
            atout=True,
        ),
        relatif=True,
    ),
    Regle(
        "PE_PART_INDIV",
        10,
        "{v} des places sont chez une assistante maternelle ou au domicile des parents",
        haut=Cote(
            "Une offre qui repose sur les assistantes maternelles",
            "Combien partiront à la retraite dans les cinq ans, et qui les remplacera ?",
            "Des agréments nouveaux plus nombreux que les départs.",
        ),
    ),
    Regle(
        "PE_NAISS_EVOL",
        5,
        "les naissances ont {varie} de {v}",
        Cote(
            "Moins de naissances",
            "Que deviendront les places, les écoles et les accueils de loisirs dans cinq ans ?",
            "L'arrivée de familles avec de jeunes enfants, que les naissances ne comptent pas.",
        ),
        Cote(
            "Plus de naissances",
            "Où et quand accueillir ces enfants ?",
            "Des familles qui s'en vont avant l'entrée à l'école.",
        ),
        reference=0,
    ),
    Regle(
        "CTX_POP_EVOL",
        2,
        "la population a {varie} de {v}",
        Cote(
            "Une population qui diminue",
            "Quels services garder, et où, pour rester à portée des familles ?",
            "Un recensement plus récent, ou des logements en chantier.",
        ),
        Cote(
            "Une population qui augmente",
            "Les services aux familles suivent-ils l'arrivée des habitants, commune par commune ?",
            "Une hausse due aux étudiants ou aux retraités plutôt qu'aux familles.",
        ),
        reference=0,
    ),
    Regle(
        "CTX_PART_0_19",
        10,
        "{v} des habitants ont moins de 20 ans",
        Cote(
            "Moins de jeunes {que}",
            "Comment attirer et garder de jeunes familles ?",
            "Des arrivées de familles que le recensement n'a pas encore comptées.",
        ),
        Cote(
            "Plus de jeunes {que}",
            "Que propose-t-on aux adolescents, et aux familles nombreuses ?",
            "Des élèves ou des étudiants de passage plutôt que des familles.",
        ),
        relatif=True,
    ),
    Regle(
        "CTX_TX_PAUVRETE",
        2,
        "{v} des habitants vivent sous le seuil de pauvreté",
        haut=Cote(
            "Plus de pauvreté {que}",
            "Quelles familles, dans quelles communes, et demandent-elles leurs droits ?",
            "Des revenus plus récents en hausse.",
        ),
    ),
    Regle(
        "PS_MONOPAR",
        10,
        "{v} des foyers allocataires sont des parents seuls",
        haut=Cote(
            "Plus de parents seuls {que}",
            "Qui les aide quand l'école est fermée, ou quand l'emploi demande des horaires décalés ?",
            "Une part gonflée par le petit nombre d'autres allocataires.",
        ),
        relatif=True,
    ),
    Regle(
        "EJ_ALSH_PART_COM_EQUIP",
        3,
        "{v} des enfants de 3 à 11 ans ont un accueil de loisirs dans leur commune",
        Cote(
            "Moins d'enfants ont un accueil de loisirs dans leur commune {que}",
            "Quels transports, quels tarifs, quels jours pour les communes sans accueil ?",
            "Un accueil tout proche, dans une commune voisine, où ces enfants ont leur place.",
        ),
        Cote(
            "Plus d'enfants ont un accueil de loisirs dans leur commune {que}",
            "Les jours, les tarifs et l'accueil des enfants handicapés conviennent-ils ?",
            "Des accueils fermés le mercredi ou l'été, ou complets.",
            atout=True,
        ),
    ),
    Regle(
        "JE_NEET",
        15,
        "{v} des 15 à 24 ans ne sont ni en emploi ni en formation",
        haut=Cote(
            "Plus de jeunes sans emploi ni formation {que}",
            "Vers qui se tournent-ils, et où les rencontrer ?",
            "Une part due aux emplois saisonniers ou aux départs en études.",
        ),
        relatif=True,
    ),
    Regle(
        "AVS_QPV_COUV",
        10,
        "{v} des quartiers prioritaires ont un centre social à portée",
        Cote(
            "Des quartiers prioritaires sans centre social",
            "Quelle présence auprès des habitants des quartiers qui n'en ont pas ?",
            "Un centre social plus éloigné qui y mène déjà des actions.",
        ),
        reference=100,
    ),
    Regle(
        "AVS_FRR_SANS",
        25,
        "{v} sur {t} en zone France ruralités revitalisation, sans centre social ni espace de vie sociale",
        haut=Cote(
            "Des communes rurales fragiles sans lieu d'animation sociale",
            "Quel lieu, fixe ou itinérant, pour que les habitants s'y retrouvent ?",
            "Une structure voisine qui y intervient, ou une association qui en tient lieu.",
        ),
        sur="CTX_COM_FRR",
    ),
    Regle(
        "PAR_RPE_COUV",
        5,
        "{v} des moins de 3 ans vivent dans une commune couverte par un relais petite enfance",
        Cote(
            "Moins de familles couvertes par un relais petite enfance {que}",
            "Qui informe les parents et accompagne les assistantes maternelles là où il n'y en a pas ?",
            "Un relais qui couvre déjà ces communes sans y avoir son siège.",
        ),
    ),
    Regle(
        "PAR_LAEP_1000",
        25,
        "{v} lieux d'accueil enfants-parents pour 1 000 enfants de moins de 6 ans",
        Cote(
            "Moins de lieux d'accueil enfants-parents {que}",
            "Où les parents de jeunes enfants trouvent-ils écoute et rencontre ?",
            "Des permanences itinérantes, ou un lieu voisin ouvert aux familles d'ici.",
        ),
        relatif=True,
    ),
    Regle(
        "AD_FS_ACCES",
        3,
        "{v} des habitants sont {ou}",
        Cote(
            "Plus d'habitants loin d'une France services {que}",
            "Quelles permanences, quels bus, quelle aide à domicile pour ceux qui n'y vont pas ?",
            "Une mairie ou une permanence qui aide déjà aux démarches.",
        ),
    ),
    Regle(
        "AD_SANS_DIPLOME",
        15,
        "{v} des 15 ans et plus sortis de l'école n'ont aucun diplôme",
        haut=Cote(
            "Plus d'habitants sans diplôme {que}",
            "Qui les aide dans leurs démarches, surtout en ligne ?",
            "Une part due aux plus âgés, aidés par leurs proches.",
        ),
        relatif=True,
    ),
    Regle(
        "LOG_AL_PART",
        10,
        "{v} des foyers allocataires touchent une aide au logement",
        haut=Cote(
            "Plus de foyers aidés pour se loger {que}",
            "Qui peine à se loger : jeunes, parents seuls, familles nombreuses ?",
            "Une part due aux étudiants plutôt qu'aux familles.",
        ),
        relatif=True,
    ),
    Regle(
        "LOG_IMPAYES_1000",
        25,
        "{v} signalements d'impayés de loyer pour 1 000 foyers aidés",
        haut=Cote(
            "Plus d'impayés de loyer {que}",
            "Qui repère ces ménages, et assez tôt ?",
            "Des bailleurs qui signalent plus vite qu'ailleurs.",
        ),
        relatif=True,
    ),
    Regle(
        "PS_RSA",
        10,
        "{v} des foyers allocataires ont le RSA",
        haut=Cote(
            "Plus de foyers au RSA {que}",
            "Quel accueil des enfants pour reprendre un emploi ou une formation ?",
            "Un relevé plus récent en baisse.",
        ),
        relatif=True,
    ),
    Regle(
        "HAN_AEEH_100",
        15,
        "{v} enfants pour 100 jeunes de moins de 20 ans ont l'allocation d'éducation de l'enfant handicapé",
        haut=Cote(
            "Plus d'enfants handicapés {que}",
            "Sont-ils accueillis partout, dès la crèche et jusqu'aux loisirs ?",
            "Des droits mieux demandés qu'ailleurs, plutôt que plus de handicaps.",
        ),
        relatif=True,
    ),
)
