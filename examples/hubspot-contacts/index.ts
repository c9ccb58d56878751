import './hubspot/syncs/contacts.js';
import './hubspot/actions/create-contact.js';
