// Le français de la connexion, du menu du compte et des mots de passe.
import type { session as english } from '../en/session';
import type { Text } from '../i18n';

export const session: Record<keyof typeof english, Text> = {
  'signIn.title': 'Connexion',
  'signIn.username': 'Nom d’utilisateur',
  'signIn.password': 'Mot de passe',
  'signIn.remember': 'Rester connecté',
  'signIn.submit': 'Se connecter',
  'signIn.provider': 'Compte',
  'signIn.any': 'Automatique',
  'signIn.local': 'Compte local',
  'signIn.ended': 'Votre session est terminée. Veuillez vous reconnecter.',
  'signIn.refused': 'Le nom d’utilisateur ou le mot de passe est incorrect.',
  'signIn.code': 'Mot de passe à usage unique',
  'signIn.codeHelp': 'Les six chiffres que votre application d’authentification affiche en ce moment.',
  'signIn.wrongCode': 'Le mot de passe à usage unique est incorrect ou a déjà servi. Attendez le suivant.',
  'signIn.tooFast': 'Trop de tentatives. Attendez un instant, puis réessayez.',
  'signIn.unreachable': 'Xylem est injoignable. Le service est-il démarré ?',
  'signIn.failed': 'La connexion a échoué : {message}',

  'account.menu': 'Compte : {name}',
  'account.signedInAs': 'Connecté en tant que {name}',
  'account.language': 'Langue',
  'account.theme': 'Thème',
  'account.theme.auto': 'Système',
  'account.theme.light': 'Clair',
  'account.theme.dark': 'Sombre',
  'account.changePassword': 'Changer le mot de passe',
  'account.signOut': 'Se déconnecter',
  'account.signOutFailed': 'La déconnexion a échoué',

  'password.title': 'Changer le mot de passe',
  'password.suggestTitle': 'Choisissez votre propre mot de passe',
  'password.suggestText':
    'Vous êtes entré avec le mot de passe créé au premier démarrage de Xylem. Choisissez-en un que vous seul connaissez.',
  'password.old': 'Mot de passe actuel',
  'password.new': 'Nouveau mot de passe',
  'password.again': 'Nouveau mot de passe, encore',
  'password.rule': { one: 'Au moins {count} caractère.', other: 'Au moins {count} caractères.' },
  'password.tooShort': { one: 'Utilisez au moins {count} caractère.', other: 'Utilisez au moins {count} caractères.' },
  'password.differs': 'Les deux sont différents.',
  'password.wrongOld': 'Ce n’est pas votre mot de passe actuel.',
  'password.change': 'Changer le mot de passe',
  'password.later': 'Plus tard',
  'password.changed': 'Votre mot de passe a été changé.',
};
