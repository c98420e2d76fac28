{{/* What all pods have in common. */}}

{{/* (list $ "worker" "gpu" values): everything of a pod's spec but its containers and volumes. */}}
{{- define "preimage.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 3 -}}
serviceAccountName: {{ include "preimage.name" $root }}
automountServiceAccountToken: false
# Variables that Kubernetes makes of services' names would look like settings.
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  # Secrets are readable for the group only.
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels: {{ include "preimage.selector" (slice $ 0 3) | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "preimage.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What is mounted into every pod. */}}
{{- define "preimage.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- with .Values.redis.passwordSecret }}{{ if .name }}
- name: redis-password
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: password}]}
{{- end }}{{ end }}
{{- with .Values.redis.caSecret }}{{ if .name }}
- name: redis-ca
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}{{ end }}
{{- end }}

{{- define "preimage.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.redis.passwordSecret.name }}
- {name: redis-password, mountPath: /etc/preimage/redis, readOnly: true}
{{- end }}
{{- if .Values.redis.caSecret.name }}
- {name: redis-ca, mountPath: /etc/preimage/redis-ca, readOnly: true}
{{- end }}
{{- end }}

{{/* Where the queue is. */}}
{{- define "preimage.redis" -}}
- name: PREIMAGE_REDIS_URL
  {{- $url := .Values.redis.url }}
  {{- if .Values.redis.caSecret.name }}
  {{- $url = printf "%s%sssl_ca_certs=/etc/preimage/redis-ca/ca.crt" $url (ternary "&" "?" (contains "?" $url)) }}
  {{- end }}
  value: {{ $url | quote }}
- name: PREIMAGE_NAMESPACE
  value: {{ .Values.redis.namespace | quote }}
{{- if .Values.redis.passwordSecret.name }}
- name: PREIMAGE_QUEUE_PASSWORD_FILE
  value: /etc/preimage/redis/password
{{- end }}
{{- end }}

{{/* Further settings, the queue's, and variables of others: (list $ settings). */}}
{{- define "preimage.settings" -}}
{{- $values := (index . 0).Values -}}
{{- range $name, $value := merge (dict) (index . 1) $values.queue.settings $values.environment }}
- name: {{ $name }}
  value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- end }}

{{/* Seconds that a pod gets to end: (list seconds…), the drain, and some to spare. */}}
{{- define "preimage.grace" -}}
{{- $sum := 15 -}}
{{- range . }}{{ $sum = add $sum (ceil .) }}{{ end -}}
{{ $sum }}
{{- end }}
