// Paramètres > Audit.
import type { audit as en } from '../en/audit';
import type { Text } from '../i18n';

export const audit: Record<keyof typeof en, Text> = {
  'nav.audit': 'Audit',
  'audit.description':
    'Qui a fait quoi, du plus récent au plus ancien. Chaque enregistrement désigne le précédent : ce qui est changé ou retiré ensuite se voit.',
  'audit.empty': 'Rien n’a encore été enregistré',
  'audit.emptyText': 'Ce qui change quelque chose, et ce que le service fait de lui-même, est enregistré ici.',
  'audit.search': 'Chercher personnes, opérations, adresses',
  'audit.show': 'Afficher',
  'audit.show.all': 'Tous',
  'audit.show.calls': 'Appels',
  'audit.show.failed': 'Échoués',
  'audit.count': { one: '{count} enregistrement', other: '{count} enregistrements' },
  'audit.found': '{found} des {count} enregistrements les plus récents',
  'audit.older': 'Charger les plus anciens',
  'audit.noMatch': 'Aucun enregistrement ne correspond',
  'audit.noMatchText': 'Seul ce qui est chargé a été parcouru.',
  'audit.list': 'Enregistrements',
  'audit.refresh': 'Relire',
  'audit.verify': 'Vérifier',
  'audit.verified': {
    one: '{count} enregistrement est tel qu’il a été écrit',
    other: '{count} enregistrements sont tels qu’ils ont été écrits',
  },
  'audit.verifiedText':
    'Gardez cette empreinte ailleurs : avec elle, des enregistrements coupés à la fin la plus récente se voient aussi.',
  'audit.broken': 'Le journal a été altéré ou endommagé',
  'audit.brokenText': {
    one: 'Seul l’enregistrement le plus récent est en ordre. {why}',
    other: 'Seuls les {count} enregistrements les plus récents sont en ordre. {why}',
  },
  'audit.verifyFailed': 'Le journal n’a pas pu être vérifié',
  'audit.copyFingerprint': 'Copier l’empreinte',
  'audit.export': 'Exporter',
  'audit.exportFailed': 'Le journal n’a pas pu être exporté',
  'audit.failed': 'Échec',
  'audit.details': 'Enregistrement',
  'audit.time': 'Quand',
  'audit.who': 'Qui',
  'audit.address': 'Adresse',
  'audit.event': 'Évènement',
  'audit.method': 'Opération',
  'audit.duration': 'Durée',
  'audit.milliseconds': '{count} ms',
  'audit.error': 'Erreur',
  'audit.id': 'Empreinte de l’enregistrement',
  'audit.previous': 'Le précédent',
  'audit.data': 'Tout son contenu',
  'audit.nobody': 'Personne',
};
