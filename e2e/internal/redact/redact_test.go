package redact_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

func TestServer(t *testing.T) {
	for in, want := range map[string]string{
		`Get "https://172.18.0.3:6443/api/v1/pods?x=1": dial tcp 172.18.0.3:6443: connect: connection refused`:                `Get "https://(server)/api/v1/pods?x=1": dial tcp (server): connect: connection refused`,
		`Post "https://[fd00::3]:6443/api": read tcp 10.0.0.2:51234->10.0.0.3:6443: read: connection reset by peer`:           `Post "https://(server)/api": read tcp (server): read: connection reset by peer`,
		`Get "https://api.corp.example/version": dial tcp: lookup api.corp.example on 10.0.0.10:53: no such host`:             `Get "https://(server)/version": dial tcp: lookup (server): no such host`,
		`pods "web-0" is forbidden; docs: https://kubernetes.io/docs/; dns/pod-record: expected 10.244.1.3, found 10.244.1.4`: `pods "web-0" is forbidden; docs: https://kubernetes.io/docs/; dns/pod-record: expected 10.244.1.3, found 10.244.1.4`,
		`{"Message": "Get \"https://172.18.0.3:6443/api?x=\\\"1\": EOF; Get \\\"https://172.18.0.3:6443\\\": EOF"}`:           `{"Message": "Get \"https://(server)/api?x=\\\"1\": EOF; Get \\\"https://(server)\\\": EOF"}`,
		`error dialing backend: dial tcp 172.18.0.2:10250: connect: connection refused`:                                       `error dialing backend: dial tcp (server): connect: connection refused`,
		`tls: failed to verify certificate: x509: certificate is valid for 10.96.0.1, 172.18.0.3, not 192.0.2.1`:              `tls: failed to verify certificate: x509: certificate is valid for other names than (server)`,
		`proxyconnect tcp: dial tcp: lookup proxy.corp.example: no such host`:                                                 `proxyconnect tcp: dial tcp: lookup (server): no such host`,
	} {
		if got := redact.Server(in); got != want {
			t.Errorf("expected %s\nfound    %s", want, got)
		}
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		`dial postgres://app:hunter2@db:5432/x: refused`:         `dial postgres://(not saved)@db:5432/x: refused`,
		`POSTGRES_PASSWORD=hunter2 is too short`:                 `POSTGRES_PASSWORD=(not saved) is too short`,
		`{"apiKey":"abc def","user":"app"}`:                      `{"apiKey":(not saved),"user":"app"}`,
		`the password is hunter2`:                                `the password is (not saved)`,
		`password authentication failed for user "app"`:          `password authentication failed for user "app"`,
		`open /var/run/secrets/token: no such file or directory`: `open /var/run/secrets/token: no such file or directory`,
		`exec format error`:                                      `exec format error`,
	} {
		if got := redact.Words(in); got != want {
			t.Errorf("expected %s\nfound    %s", want, got)
		}
	}
}
