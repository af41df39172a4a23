package faults

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// apiServer are faults of the API server: it takes a set for another than it was sent. A mutating policy would be another cause, which the suite
// blames on nobody.
func apiServer() []Fault {
	return []Fault{{
		Name: "api-fills-in-less", Kind: Subtle, Breaks: []contract.ID{contract.APIDefaults},
		Harm: "Fewer old versions are kept than the documentation says.",
		Request: ofSets(http.MethodPost, func(body []byte) []byte {
			if bytes.Contains(body, []byte(`"revisionHistoryLimit"`)) {
				return body
			}
			return bytes.Replace(body, []byte(`"spec":{`), []byte(`"spec":{"revisionHistoryLimit":3,`), 1)
		}),
	}, {
		Name: "api-corrects-invalid", Kind: Subtle, Breaks: []contract.ID{contract.APIInvalid},
		Harm:    "What makes no sense is taken for something that does, and nobody learns of the mistake.",
		Request: ofSets(http.MethodPost, swap(`"replicas":-1`, `"replicas":0`)),
	}, {
		Name: "api-reverts", Kind: Subtle, Breaks: []contract.ID{contract.APIImmutable},
		Harm:    "A change that cannot be made is accepted and forgotten.",
		Request: ofSets(http.MethodPut, swap(`"serviceName":"other"`, `"serviceName":"set"`)),
	}, {
		Name: "api-loses-ordinals", Kind: Obvious, Breaks: []contract.ID{contract.APIMutable},
		Shows:   []contract.ID{contract.IdentityStartOrdinal},
		Harm:    "A set that is to be moved to another cluster ordinal by ordinal begins at 0 there.",
		Request: ofSets("", swap(`"ordinals":`, `"unknown":`)),
	}}
}

// ofSets changes the bodies of requests for StatefulSets, by their method; "" means any.
func ofSets(method string, change func([]byte) []byte) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		if method != "" && r.Method != method || !strings.Contains(r.URL.Path, "/statefulsets") {
			return body
		}
		return change(body)
	}
}

// swap replaces a text by another.
func swap(old, text string) func([]byte) []byte {
	return func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(text)) }
}
