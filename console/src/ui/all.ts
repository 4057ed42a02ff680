/** Registers every element. */
import './alerts';
import './compose';
import './desk-state';
import './header';
import './help';
import './live';
import './map-panel';
import './notices';
import './peers';
import './read-back';
import './release';
import './selected';
import './shell';
import './sign-in';
