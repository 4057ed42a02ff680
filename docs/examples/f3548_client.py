#!/usr/bin/env python3
"""Lists the operational intents within 5 km of a place at a DSS.

    pip install uas_standards requests
    python3 f3548_client.py DSS TOKEN_URL CLIENT SECRET LAT LNG

TOKEN_URL is the token endpoint of the authorization server (OAuth 2.0, client credentials).
"""
import sys
from urllib.parse import urlsplit

import requests
from implicitdict import ImplicitDict
from uas_standards.astm.f3548.v21 import api
from uas_standards.astm.f3548.v21.constants import Scope

dss, token_url, client, secret, lat, lng = sys.argv[1:]
operation = api.OPERATIONS[api.OperationID.QueryOperationalIntentReferences]
circle = api.Circle(
    center=api.LatLngPoint(lat=float(lat), lng=float(lng)), radius=api.Radius(value=5000, units=api.RadiusUnits.M)
)
area = api.Volume4D(volume=api.Volume3D(outline_circle=circle))

# For whom the token is: some authorization servers read `audience`, others `resource` (RFC 8707).
host = urlsplit(dss).hostname
form = {"grant_type": "client_credentials", "scope": Scope.StrategicCoordination, "audience": host, "resource": f"https://{host}"}
token = requests.post(token_url, data=form, auth=(client, secret), timeout=10).json()["access_token"]
headers = {"Authorization": f"Bearer {token}"}
answer = requests.request(operation.verb, dss + operation.path, json={"area_of_interest": area}, headers=headers, timeout=10)
if not answer.ok:
    sys.exit(f"{answer.status_code}: {answer.json()['message']}")
for intent in ImplicitDict.parse(answer.json(), operation.response_body_type[200]).operational_intent_references:
    print(intent.id, intent.state.value, intent.manager, intent.time_start.value, intent.time_end.value, intent.uss_base_url)
