// Package apiclient holds the transports between the suite's clients and an API server: Retry sends requests again, Restrict refuses those
// that no right of package rbac covers, and Usage records which rights were used.
//
// Retry is code of our own because client-go sends again only what was answered with Retry-After, and GET requests whose connection broke:
// it neither waits for /readyz nor knows which writes may be sent twice.
//
// It stands on net/http, apimachinery and package rbac alone. Nothing here knows StatefulSets, specs or the recording, and nothing asserts.
package apiclient
