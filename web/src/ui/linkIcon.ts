// A link that looks like the icon buttons beside it.
import classes from './linkIcon.module.css';

export const linkIcon = classes['link'];
