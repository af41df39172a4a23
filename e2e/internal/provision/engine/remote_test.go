package engine

import "testing"

func TestEnginesOfOtherMachinesAreRefused(t *testing.T) {
	for host, refused := range map[string]bool{
		"": false, "unix:///var/run/docker.sock": false, "npipe:////./pipe/docker_engine": false, "tcp://127.0.0.1:2375": false, "tcp://[::1]:2375": false,
		"tcp://localhost:2375": false, "tcp://docker:2375": true, "ssh://me@build.example": true, "tcp://192.0.2.1:2376": true,
	} {
		if err := notRemote(host); (err != nil) != refused {
			t.Errorf("%q: expected refused %t, found %v", host, refused, err)
		}
	}
}
