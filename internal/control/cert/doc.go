// Package cert makes the webhook's certificates and brings them where they are needed:
// the Secret from which every replica serves, and the caBundle by which the API server
// knows them. Nothing else has to be installed for it.
//
// A certificate and the authority that signs it are made together, and the authority's
// key is thrown away at once: nobody can sign another one. Before a certificate takes
// the place of an older one its authority stands in the caBundle beside the older
// one's, so that at no moment a replica serves what the API server does not know.
package cert
