import { page } from '../../scripts/web.js';

export default page('console');
